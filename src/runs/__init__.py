"""The run folder: its files, who writes them, what runs there are. Knows neither Lightning nor Hydra."""
