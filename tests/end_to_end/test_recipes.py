"""Classes of one's own, as CONTRIBUTING.md has them: trained, stopped, resumed, evaluated, predicted with, swept."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from src import load
from src.errors import UserError
from src.runs.trust import VARIABLE
from tests.end_to_end.interrupting import KILL, Point, outcome
from tests.end_to_end.program import REPOSITORY
from tests.end_to_end.recipes import Recipes, recipes, write_recipes

SHORT = (
    "data.reviews=60", "data.batch_tokens=null", "data.batch_reviews=6", "trainer.max_epochs=3", "checkpoint.every=2",
    "trainer.progress=false", "trainer.precision=32-true", "trainer.log_every_n_steps=1",
)  # fmt: skip
ALL = (
    "data=adjectives", "tokenizer=characters", "model=bag", "optimizer=radam", "scheduler=one_cycle",
    "callbacks=longest", "logger=lines", "task=focal",
)  # fmt: skip


class House:
    """A folder with the files of the recipes, where programs are started."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.cache = cache
        folder.mkdir()
        self.recipes: Recipes = write_recipes(folder)

    def run(self, *words: str, trusted: str | None = None, fails: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, *words],
            capture_output=True,
            text=True,
            timeout=480,
            cwd=self.folder,
            env={name: value for name, value in os.environ.items() if name != VARIABLE}
            | {"OMP_NUM_THREADS": "1", "COLUMNS": "120", "PYTHONPATH": str(REPOSITORY)}
            | ({VARIABLE: trusted} if trusted else {}),
        )
        assert done.returncode == fails, done.stdout + done.stderr
        return done

    def train(self, *words: str, fails: int = 0, trusted: str | None = None) -> subprocess.CompletedProcess[str]:
        place = () if any(word.startswith("resume=") for word in words) else ("--config-dir", "my_conf")
        more = () if any(word.startswith("resume=") for word in words) else (f"paths.cache={self.cache}",)
        return self.run("-m", "src.train", *place, *words, *more, fails=fails, trusted=trusted)


@pytest.fixture
def house(tmp_path: Path, cache: Path) -> House:
    return House(tmp_path / "house", cache)


def test_the_recipes_do_what_they_say(house: House) -> None:
    train, evaluate, predict = house.recipes.commands
    done = house.run(*train[1:], f"paths.cache={house.cache}")
    assert "The longest batch had 27 tokens a review." in done.stdout, "the tokens are characters"
    run = house.folder / "run"
    figures = json.loads((run / "metrics.json").read_text())
    assert figures["test/accuracy"] == 1.0, "it learnt"
    points = [json.loads(line) for line in (run / "points.jsonl").read_text().splitlines()]
    assert any("validation/accuracy" in point for point in points)
    assert (run / "tensorboard").is_dir(), "several loggers at once"
    refused = house.run(*predict[1:], fails=2).stderr
    assert "names code to run (data._target_, tokenizer._target_, model._target_, task._target_" in refused
    names = sorted(house.recipes.trusted.split(","))
    assert f"trust it by its whole name: 'trust=[{','.join(names)}]'" in refused, "the words to type"
    assert house.run(*predict[1:], f"trust=[{','.join(names)}]").stdout.startswith("good (")
    measured = house.run(*evaluate[1:], f"paths.cache={house.cache}", trusted=house.recipes.trusted).stdout
    assert re.search(r"accuracy +1\.0000", measured)
    with pytest.raises(UserError, match="names code to run"):
        load(run)


def test_a_trusted_name_is_imported_in_this_process_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.train("data=adjectives", "model=bag", *SHORT, "hydra.run.dir=run")
    monkeypatch.syspath_prepend(house.folder)
    with pytest.raises(UserError, match=r"trust=\[my_models.Bag,my_reviews.Adjectives\]"):
        load(house.folder / "run", trust=["my_reviews.Adjectives", "my_models", "Bag.my_models"][:1])
    assert "my_models" not in sys.modules
    classify = load(house.folder / "run", trust=["my_reviews.Adjectives", "my_models.Bag"])
    assert {one.label for one in classify(["a lovely film", "a dull film", "a lovely dull film " * 9])} <= {
        "good",
        "bad",
    }
    with pytest.raises(UserError, match="must hold whole dotted names"):
        load(house.folder / "run", trust=["my_models."])
    with pytest.raises(UserError, match=r"write trust=\['my_models.Bag'\]"):
        load(house.folder / "run", trust="my_models.Bag")


def test_killed_and_resumed_it_ends_in_the_same_bits(house: House) -> None:
    """Weights, optimizer, schedule, the callback's state: as if nothing had happened."""
    house.train(*ALL, *SHORT, "hydra.run.dir=whole")
    place = Point("gradient", 9)
    words = (str(KILL), place.place, str(place.count), place.by, "--config-dir", "my_conf", *ALL, *SHORT)
    path = os.pathsep.join([str(REPOSITORY), str(house.folder)])
    killed = subprocess.run(
        [sys.executable, *words, "hydra.run.dir=cut", f"paths.cache={house.cache}"],
        capture_output=True, text=True, timeout=480, cwd=house.folder,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path},
    )  # fmt: skip
    assert killed.returncode == -9, killed.stdout + killed.stderr
    assert "names code to run" in house.train("resume=cut", fails=2).stderr
    resumed = house.train("resume=cut", trusted=house.recipes.trusted).stdout
    assert "at step 8, bit for bit as far as my_callbacks.LongestBatch" in resumed
    assert "torch.optim.RAdam" not in resumed, "that it comes back to the bit is what this test shows"
    assert "The longest batch had 27 tokens a review." in resumed
    whole, cut = outcome(house.folder / "whole"), outcome(house.folder / "cut")
    assert whole == cut


def test_what_an_own_optimizer_was_told_stays(house: House) -> None:
    house.train("data=adjectives", "optimizer=radam", *SHORT, "trainer.max_epochs=1", "hydra.run.dir=run", "test=false")
    (house.folder / "run" / "metrics.json").unlink()
    refused = house.train(
        "resume=run", "optimizer.lr=3", "resume.allow_change=true", trusted=house.recipes.trusted, fails=2
    )
    assert "must keep its model, tokens and optimizer, but optimizer.lr: 0.02 -> 3" in refused.stderr


def test_they_are_found_in_ranks_workers_and_jobs_of_a_sweep(house: House) -> None:
    words = ("-m", "data=adjectives", "model._target_=my_models.Bag", "model.dropout=0", "model.dim=4,8",
             "trainer=ddp_cpu", "data.workers=1", *SHORT, "trainer.max_epochs=1", "hydra.sweep.dir=sweep")  # fmt: skip
    house.train(*words)
    table = (house.folder / "sweep" / "sweep.csv").read_text().splitlines()
    assert table[0].startswith("job,model.dim,")
    assert len(table) == 3
    assert house.train(*words).stdout.count("finished before, not repeated") == 2, "what is typed is trusted"


FAULTS = {
    "model=bag +model.depht=3": "There is no argument `model.depht`: my_models.Bag takes none of that name. It",
    "model._target_=my_models.Bag model.dropout=0 model.dimm=3": "Did you mean `model.dim`?",
    "model._target_=my_models.Bag model.dim=3": "`model.dropout` must be set, for my_models.Bag(dim, dropout,",
    "model=bag model._target_=my_models.Bagg": "my_models holds no Bagg. Did you mean `my_models.Bag`?",
    "model=bag model._target_=my_model.Bag": "there is no module my_model; install it, or run from the folder",
    "model=small model._target_=my_models.Bag": "leave model=small out, or make an option of your own",
    "+callbacks.mine._target_=torch.nn.ReLU": "`callbacks.mine` must be a Callback of Lightning, but torch.nn",
    "+callbacks.mine.depth=3": "There is no key or group `callbacks.mine.depth`.",
    "+callbacks.save._target_=lightning.pytorch.callbacks.ModelCheckpoint": "must leave checkpoints to this program",
    "optimizer._target_=torch.optim.SGD optimizer.lr=0.1 scheduler._target_=torch.optim.lr_scheduler.ReduceLROnPlateau":
        "`scheduler` must step by itself",
    "task=focal task.monitor=validation/f1": "`task.monitor` must be a headline of Focal on the validation split",
    "data=adjectives data.batch_tokens=0": "`data.batch_tokens` must be at least 1, but is 0",
    "model._target_=broken.Thing": "importing broken raised ZeroDivisionError: division by zero",
}  # fmt: skip


def test_faults_are_found_before_a_run_begins(house: House) -> None:
    """All of them in one process: each costs the import of Lightning otherwise."""
    (house.folder / "broken.py").write_text("1 / 0\n")
    script = (
        "import sys, traceback\n"
        "from src.config.command_line import check, read_command_line\n"
        "from src.errors import UserError\n"
        "from src.training.own_parts import check_own_parts\n"
        "for line in sys.stdin.read().splitlines():\n"
        "    try:\n"
        "        words = ['--config-dir', 'my_conf', *line.split()]\n"
        "        check_own_parts(check(read_command_line(words, config_name='train')).configs)\n"
        "        print('no fault')\n"
        "    except UserError as error:\n"
        "        print(' '.join(str(error).splitlines()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input="\n".join(FAULTS), capture_output=True, text=True, timeout=120,
        cwd=house.folder, env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for words, said in zip(FAULTS, done.stdout.splitlines(), strict=True):
        assert FAULTS[words] in said, words


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("model._target_=torch.nn.Linear", "model.in_features=1", "model.out_features=1"),
            "`model` must map a Batch to logits, but torch.nn.Linear raised",
        ),
        (
            ("model=bag", "model.dim=-1"),
            "`model` must be something that can be made, but my_models.Bag raised RuntimeError",
        ),
    ],
)
def test_what_only_a_call_can_tell_leaves_no_run_folder(house: House, words: tuple[str, ...], said: str) -> None:
    done = house.train("data=adjectives", *words, *SHORT, "hydra.run.dir=run", fails=2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (house.folder / "run").exists()


def test_state_that_could_not_be_read_back_is_said_at_the_first_save(house: House) -> None:
    path = house.folder / "my_callbacks.py"
    path.write_text(path.read_text().replace('{"longest": self.longest}', '{"longest": object()}'))
    done = house.train("data=adjectives", "model=bag", "callbacks=longest", *SHORT, "hydra.run.dir=run", fails=2)
    assert "but callbacks.LongestBatch.longest is <object object at" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((house.folder / "run" / "checkpoints").iterdir()) == []


def test_every_recipe_is_a_file_here() -> None:
    assert {"my_reviews.py", "my_models.py", "my_callbacks.py", "my_loggers.py", "my_tasks.py"} <= {*recipes().files}
