"""The program under test and what a run of it leaves behind."""

import json
from pathlib import Path
from typing import Any, NamedTuple

REPOSITORY = Path(__file__).resolve().parents[2]
# A model and batches so small that starting the process takes longer than training
SMALL = ("model.dim=16", "model.num_heads=2", "data.max_tokens=64", "data.batch_tokens=1024")


class Run(NamedTuple):
    """What a process left behind."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def metrics(self) -> dict[str, Any]:
        return json.loads((self.folder / "metrics.json").read_text())

    @property
    def record(self) -> dict[str, Any]:
        return json.loads((self.folder / "run.json").read_text())
