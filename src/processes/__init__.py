"""How processes start, stop and end together: signals, the other ranks of a run, their failures."""
