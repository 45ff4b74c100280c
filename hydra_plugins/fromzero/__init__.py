"""What this project adds to Hydra: a launcher and a sweeper. Hydra imports all of it at each start: keep it light."""
