"""Everything around a run: checking what was asked, the run folder, what is printed. The only rooms that know Hydra."""
