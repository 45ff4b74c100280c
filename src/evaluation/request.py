"""What `python -m src.evaluate` is asked for: a run's configuration with overrides on top, and what they change."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from src.config.overlay import Change, differences, inherited, overlaid
from src.config.schema import Config
from src.errors import UserError
from src.inference.run_folder import find_run
from src.runs.reading import read_record, recorded

# What may differ from the run without making the reviews others
SAME_REVIEWS = ("data.archive", "data.workers", "data.batch_", "data.evaluation_batch_tokens")
MODEL = ("model.", "tokenizer.", "data.max_tokens")  # what the weights stand for
IDLE = ("data.batch_", "data.workers")  # what of `data` has no effect on an evaluation
# What has, beside the limit of its split
EFFECTIVE = ("data.", "paths.cache", "trainer.accelerator", "trainer.devices", "trainer.num_nodes", "trainer.strategy",
             "trainer.precision", "trainer.deterministic", "trainer.progress")  # fmt: skip


class EvaluationRequest(NamedTuple):
    """What is to be measured, and how."""

    folder: Path
    split: str  # "test" or "validation"
    checkpoint: str  # "best" or "last"
    worst: int  # errors to show
    config: Config  # the run's, with overrides on top
    trained: Config  # the run's own
    changes: list[Change]  # between the two
    threads: int

    @property
    def own_data(self) -> bool:
        """Whether the reviews are those of the run, and not others that overrides name."""
        data = [change.key for change in self.changes if change.key.startswith("data.")]
        return all(key.startswith(SAME_REVIEWS) for key in data)

    @property
    def said(self) -> list[str]:
        """What to say of the request before it is carried out."""
        said = [f"run folder {self.folder}", *(f"changed: {change}" for change in self.changes)]
        limit = f"trainer.limit_{'val' if self.split == 'validation' else 'test'}_batches"
        keys = [change.key for change in self.changes]
        idle = [f"`{key}`" for key in keys if key.startswith(IDLE) or not key.startswith((*EFFECTIVE, limit))]
        if idle:
            have = "has" if len(idle) == 1 else "have"
            said.append(f"Note: {', '.join(idle)} {have} no effect on the {self.split} figures of a trained run.")
        if not (self.folder / "metrics.json").exists():
            said.append(f"It has not ended: this is its {self.checkpoint}.ckpt so far.")
        return said


def read_request(options: Mapping[str, Any], overrides: list[str]) -> EvaluationRequest:
    """Put the overrides on top of the run's configuration.

    Args:
        options: of the program, by name.
        overrides: as typed.

    Raises:
        UserError: the folder is no run, or overrides are none, or would make the model another one.
    """
    folder = find_run(options["run"])
    saved, earlier, trained = inherited(folder, kind=Config)
    config, _ = overlaid(saved, [*earlier.overrides, *overrides], kind=Config)  # the earlier ones stay in force
    changes = differences(trained, config)
    fixed = [change for change in changes if change.key.startswith(MODEL)]
    if fixed:
        raise UserError(
            f"the model must be the one that was trained, but {'; '.join(map(str, fixed))} would make it another one; "
            "leave that out."
        )
    return EvaluationRequest(
        folder=folder,
        split=options["split"],
        checkpoint=options["checkpoint"],
        worst=options["worst"],
        config=config,
        trained=trained,
        changes=changes,
        threads=int(recorded(folder, read_record(folder), "threads")),
    )
