"""Measure a trained run again: `python -m src.evaluate run=... [split=...] [overrides]`, or `--help`.

What is no option of this program is an override of the run's own configuration, as for `src.train`.
"""

import difflib
import sys
from pathlib import Path

from src.errors import UserError
from src.options import Option, options_or_help
from src.program import log_to_terminal, run_program

OPTIONS = (
    Option("run", "the run folder that training left, or latest", required=True),
    Option("split", "which reviews of the run, or of data=...", "test", choices=("test", "validation")),
    Option("checkpoint", "which state of the model", "best", choices=("best", "last")),
    Option("worst", "how many of the worst errors to show with their texts", 0, kind=int, least=0),
)
EXAMPLES = (
    ("python -m src.evaluate run=latest", "the figures that training reported, once more"),
    ("python -m src.evaluate run=latest split=validation worst=20", "and the worst errors with their texts"),
    ("python -m src.evaluate run=latest data=csv data.test=my.csv data.text=review data.label=stars", "another file"),
    ("python -m src.evaluate run=latest data=imdb data.archive=aclImdb_v1.tar.gz", "the official test reviews"),
    ("python -m src.evaluate run=latest trainer=gpu trainer.precision=32-true", "elsewhere, in another precision"),
)
GROUPS = Path(__file__).resolve().parents[1] / "conf"  # of overrides: data=..., trainer=...
IDLE = ("data.batch_", "data.workers")  # what of `data` has no effect on an evaluation
# What has, beside the limit of its split
EFFECTIVE = ("data.", "paths.cache", "trainer.accelerator", "trainer.devices", "trainer.strategy", "trainer.precision",
             "trainer.deterministic", "trainer.progress")  # fmt: skip
# What may differ from the run without making the reviews others
SAME_REVIEWS = ("data.archive", "data.workers", "data.batch_", "data.evaluation_batch_tokens")


def main() -> None:
    """Read the command line, put its overrides on top of the run's configuration, and measure."""
    words = sys.argv[1:]
    own = {option.name for option in OPTIONS}
    overrides = [word for word in words if "=" in word and word.partition("=")[0] not in own]
    near = {word: difflib.get_close_matches(word.partition("=")[0], own, n=1, cutoff=0.6) for word in overrides}
    misspelt = [word for word in overrides if near[word] and not (GROUPS / word.partition("=")[0]).is_dir()]
    options = options_or_help(
        [word for word in words if word not in overrides or word in misspelt],
        OPTIONS,
        program="python -m src.evaluate",
        purpose="Measure a trained run. Every other key=value is an override of the run's configuration (see conf/).",
        examples=EXAMPLES,
    )

    from src.config.overlay import differences, overlaid
    from src.config.schema import Config
    from src.inference.run_folder import find_run
    from src.processes.launching import is_first_process
    from src.runs.reading import (  # torch: 2 s that a typo need not wait for
        earlier_resumes,
        read_config,
        read_record,
        recorded,
    )

    log_to_terminal()
    folder = find_run(options["run"])
    saved, earlier = read_config(folder), earlier_resumes(folder).overrides  # which stay in force
    trained, _ = overlaid(saved, earlier, kind=Config)
    config, _ = overlaid(saved, [*earlier, *overrides], kind=Config)
    changes = differences(trained, config)
    others = [
        change for change in changes if change.key.startswith("data.") and not change.key.startswith(SAME_REVIEWS)
    ]
    fixed = [change for change in changes if change.key.startswith(("model.", "tokenizer.", "data.max_tokens"))]
    if fixed:
        raise UserError(
            f"the model must be the one that was trained, but {'; '.join(map(str, fixed))} would make it another one; "
            "leave that out."
        )

    from src.evaluation.evaluation import evaluate
    from src.processes.interruption import Interruption

    Interruption().install()  # Lightning would answer Ctrl-C with exit code 1
    said = [f"run folder {folder}", *(f"changed: {change}" for change in changes)]
    keys = [change.key for change in changes]
    limit = f"trainer.limit_{'val' if options['split'] == 'validation' else 'test'}_batches"
    idle = [f"`{key}`" for key in keys if key.startswith(IDLE) or not key.startswith((*EFFECTIVE, limit))]
    if idle:
        have = "has" if len(idle) == 1 else "have"
        said.append(f"Note: {', '.join(idle)} {have} no effect on the {options['split']} figures of a trained run.")
    if not (folder / "metrics.json").exists():
        said.append(f"It has not ended: this is its {options['checkpoint']}.ckpt so far.")
    if is_first_process():
        print("\n".join(said))
    evaluate(
        config,
        folder=Path(folder),
        split=options["split"],
        checkpoint=options["checkpoint"],
        worst=options["worst"],
        own_data=not others,
        changes=[str(change) for change in changes],
        threads=int(recorded(folder, read_record(folder), "threads")),
        trained=trained,
    )


if __name__ == "__main__":
    run_program(main)
