"""Write down what a refactoring must not change: `python -m tests.invariants.record FOLDER`, before and after it.

runs.json       of every variant of `interrupting.VARIANTS`: digests of the weights and predictions, figures, curves
configs.json    what every option of every group composes to, as `--cfg job` prints it
faults.json     by test: the sentences of the user's faults, exit codes, `error:` lines

Weights are the same to the bit only on one machine; compare records of the same one:
`git diff --no-index FOLDER_BEFORE FOLDER_AFTER`.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.end_to_end.interrupting import TINY, VARIANTS, outcome
from tests.end_to_end.program import REPOSITORY

# Tests whose subject are sentences and exit codes
OF_FAULTS = (
    "tests/config", "tests/runs", "tests/processes", "tests/training", "tests/evaluation", "tests/reporting",
    "tests/data", "tests/inference", "tests/test_options.py", "tests/test_program.py", "tests/test_predict.py",
    "tests/test_homes.py", "tests/test_cache.py", "tests/end_to_end/test_train.py",
    "tests/end_to_end/test_evaluate.py", "tests/end_to_end/test_untrusted_code.py", "tests/end_to_end/test_own_data.py",
    "tests/end_to_end/test_resume_changes.py", "tests/end_to_end/test_dead_ranks.py",
)  # fmt: skip


def main() -> None:
    """Make the three records."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "configs.json", configurations())
    write(folder / "runs.json", runs())
    record_faults(folder / "faults.json")


def runs() -> dict[str, Any]:
    """Train every variant, and return what came of it."""
    found = {}
    with tempfile.TemporaryDirectory() as place:
        for name, overrides in VARIANTS.items():
            folder = Path(place) / name
            said = run("src.train", *TINY, *overrides, f"hydra.run.dir={folder}", f"paths.cache={place}/cache")
            assert said.returncode == 0, said.stdout + said.stderr
            whole = outcome(folder)
            for part in ("best", "predictions", "curves"):
                text = json.dumps(whole[part], sort_keys=True)
                whole[part] = hashlib.sha256(text.encode()).hexdigest()
            found[name] = whole
    return found


def configurations() -> dict[str, list[str]]:
    """Return what each option composes to."""
    conf = REPOSITORY / "conf"
    options = ["", "-m"]
    for path in sorted(conf.glob("*/*.yaml")):
        if not path.name.startswith("_"):
            options.append(f"{path.parent.name}={path.stem}")
    return {option or "defaults": run("src.train", "--cfg=job", *option.split()).stdout.splitlines()
            for option in options if option != "-m"}  # fmt: skip


def record_faults(path: Path) -> None:
    """Run the tests of faults with a plugin that writes down what they provoke."""
    places = [place for place in OF_FAULTS if (REPOSITORY / place).exists()]
    arguments = ["-q", "-n", "2", "--dist", "worksteal", "-p", "tests.invariants.faults", "-m", "not slow", *places]
    with tempfile.TemporaryDirectory() as parts:
        subprocess.run(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=REPOSITORY,
            env=os.environ | {"OMP_NUM_THREADS": "1", "RECORDED_FAULTS": parts},
            check=False,
        )
        whole: dict[str, list[str]] = {}
        for part in sorted(Path(parts).iterdir()):
            whole |= json.loads(part.read_text(encoding="utf-8"))
    write(path, dict(sorted(whole.items())))


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program as a user would."""
    return subprocess.run(
        [sys.executable, "-m", program, *arguments],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "120"},
        check=False,
    )


def write(path: Path, value: Any) -> None:
    """Write JSON that reads well in a diff."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
