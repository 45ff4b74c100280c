"""fromzero: an encoder-decoder transformer from scratch, trained with Lightning and Hydra on IMDB reviews.

`from src import load` gives the one function that uses a trained run. It is fetched when it is asked for, because it
brings torch along, and `import src` is what every entry point begins with.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from src.inference.classifier import load as load

__version__ = "0.1.0"
__all__ = ["__version__", "load"]


def __getattr__(name: str) -> Any:
    if name == "load":
        from src.inference.classifier import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
