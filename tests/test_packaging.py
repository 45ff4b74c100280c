"""The wheel holds the program and its configuration, and works away from the repository."""

import importlib.util
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import yaml

from tests.end_to_end.recipes import write_recipes

REPOSITORY = Path(__file__).resolve().parents[1]
ALONE = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}


def test_wheel_in_a_clean_environment_composes_from_another_directory(tmp_path: Path) -> None:
    subprocess.run(
        [
            sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
            "--wheel-dir", str(tmp_path), str(REPOSITORY),
        ],
        check=True,
        timeout=120,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    shipped = {str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "conf").rglob("*.yaml")}
    assert shipped <= set(names)
    assert {name for name in names if name.startswith("hydra_plugins/")} == {
        str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "hydra_plugins").rglob("*.py")
    }
    assert any(name.startswith("src/data/") and name.endswith(".npz") for name in names), "the film numbers"

    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel], check=True, timeout=120
    )
    (site,) = environment.glob("lib/python*/site-packages")
    # The dependencies of this environment, not its editable install: .pth files found on a .pth's path are not read
    (site / "dependencies.pth").write_text(next(path for path in sys.path if path.endswith("site-packages")) + "\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code = "import src, conf; print(src.__file__)"
    where = subprocess.run([python, "-c", code], cwd=elsewhere, capture_output=True, text=True, timeout=60, check=True)
    assert where.stdout.startswith(str(environment))
    done = subprocess.run(
        [python, "-m", "src.train", "--cfg", "job", "experiment=tutorial", "seed=7"],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    config = yaml.safe_load(done.stdout)
    assert config["model"]["norm"] == "post"
    assert config["seed"] == 7
    assert list(elsewhere.iterdir()) == []
    guests = tmp_path / "guests"  # classes in the working directory, which nothing here knows
    guests.mkdir()
    recipes = write_recipes(guests)
    train, _, predict = recipes.commands
    subprocess.run(
        [python, *train[1:], f"paths.cache={tmp_path / 'cache'}"], cwd=guests, check=True, timeout=120, env=ALONE
    )
    said = subprocess.run(
        [python, *predict[1:]], cwd=guests, check=True, timeout=60, text=True, capture_output=True,
        env=ALONE | {"FROMZERO_TRUSTED_NAMES": recipes.trusted},
    ).stdout  # fmt: skip
    assert said.startswith("good (")
    plugins = (
        "from hydra.core.plugins import Plugins; from hydra.plugins.launcher import Launcher\n"
        "print(*(one.__module__ for one in Plugins.instance().discover(Launcher)))"
    )
    found = subprocess.run(
        [python, "-c", plugins], cwd=elsewhere, capture_output=True, text=True, timeout=60, check=True
    ).stdout.split()
    assert "hydra_plugins.fromzero.process_launcher" in found
    for others in ("hydra_joblib_launcher", "hydra_submitit_launcher"):
        installed = importlib.util.find_spec(f"hydra_plugins.{others}") is not None
        assert any(name.startswith(f"hydra_plugins.{others}.") for name in found) == installed
