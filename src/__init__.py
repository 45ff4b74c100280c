"""fromzero: an encoder-decoder transformer from scratch, trained with Lightning and Hydra on IMDB reviews."""

__version__ = "0.1.0"
