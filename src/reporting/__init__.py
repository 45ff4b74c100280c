"""What is shown on a terminal: the start, the end, the tables of labels and sweeps."""
