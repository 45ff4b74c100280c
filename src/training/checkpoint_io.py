"""Where a run's checkpoints lie, and how Lightning writes and reads them: through `src.runs.checkpoint_file`."""

from pathlib import Path
from typing import Any

from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from src.runs.checkpoint_file import read_checkpoint, write_checkpoint

BEST, LAST, PREVIOUS = "best", "last", "last.previous"  # names of the files in <run folder>/checkpoints


def checkpoint_path(folder: Path, name: str) -> Path:
    """Return where a run keeps its checkpoint `BEST`, `LAST` or `PREVIOUS`."""
    return folder / "checkpoints" / f"{name}.ckpt"


class PlainCheckpointIO(TorchCheckpointIO):
    """Lets Lightning write and read through `src.runs.checkpoint_file`: whole, plain, with a format version."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write the content, without Lightning's own counters and with what `storage_options` adds."""
        content = {name: value for name, value in checkpoint.items() if name != "loops"}
        write_checkpoint(content | (storage_options or {}), Path(path))

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """Read the content as plain values, whatever Lightning asks for."""
        del map_location, weights_only
        return read_checkpoint(Path(path))
