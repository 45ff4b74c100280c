"""Where in a file something stands, as sentences name it."""

from pathlib import Path


def place(path: Path, line: int) -> str:
    """Name a row in a sentence."""
    return f"{path}, {'row' if path.suffix.lower() == '.parquet' else 'line'} {line:,}"
