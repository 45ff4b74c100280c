"""How many of IMDB's labelled reviews may be held out, so that there is something left to train on."""

LABELLED = 25_000  # reviews
MOST_HELD_OUT = 20_000  # of them, for validation and test together
