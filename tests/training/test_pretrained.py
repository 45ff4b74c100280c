"""`init_from`: what a run takes from another one, and that it needs that run no more once it has begun."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
import pytest
import torch
import yaml

from src.config.overlay import Change
from src.config.schema import TrainConfig
from src.config.sentences import FaultsError
from src.data.tokenizers import BasicEnglish
from src.errors import UserError
from src.inference.run_folder import read_run
from src.processes.interruption import Interrupted, Interruption
from src.training import assembly
from src.training.pretrained import load_pretrained
from src.training.resuming import _check_changes, newest_checkpoint
from src.training.training import train
from tests.config.composing import composed, faults
from tests.end_to_end.interrupting import TINY, outcome, start

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
ONE_EPOCH = ("trainer.max_epochs=1", "trainer.limit_val_batches=2")


class SignalAt(Interruption):
    """As if SIGTERM had come after a step."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def agreed(self, trainer: lightning.Trainer) -> int | None:
        """Return the signal from that step on."""
        return signal.SIGTERM if trainer.global_step >= self.step else None


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    folder = tmp_path_factory.mktemp("pretrained") / "run"
    sizes = ("model.encoder_layers=1", "tokenizer.vocabulary_size=300", "data.overfit_reviews=30")
    settings = (*TINY, *ONE_EPOCH, "task=denoise", "task.row_tokens=48", *sizes, f"paths.cache={cache}")
    train(composed(*settings), folder=folder, overrides=[])
    return folder


@pytest.fixture
def finetuning(pretrained: Path, cache: Path) -> Callable[..., TrainConfig]:
    def config(*overrides: str) -> TrainConfig:
        free = [text for text in TINY if not text.startswith("model.")]
        return composed(*free, f"init_from={pretrained}", f"paths.cache={cache}", *overrides)

    return config


def weights(folder: Path, name: str = "last") -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = torch.load(folder / "checkpoints" / f"{name}.ckpt")["state_dict"]
    return found


def test_sizes_tokenizer_and_weights_come_along(
    pretrained: Path, finetuning: Callable[..., TrainConfig], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Frozen to the end, all but the head stays as it was pre-trained: so it was loaded, and freezing holds."""
    config = finetuning("scheduler.unfreeze_share=1", *ONE_EPOCH)
    assert (config.model.dim, config.model.encoder_layers, config.model.bigram_buckets) == (16, 1, 64)  # type: ignore[union-attr]
    folder = tmp_path / "run"
    train(config, folder=folder, overrides=[])
    theirs, ours = weights(pretrained, "best"), weights(folder)
    for name, tensor in ours.items():
        if name.startswith("model.embedding."):  # the deepest, which would begin to learn after the last step
            assert torch.equal(tensor, theirs[name]), name
    tokens = [yaml.safe_load((one / "vocabulary.json").read_text())["tokens"] for one in (pretrained, folder)]
    assert tokens[0] == tokens[1]
    said = capsys.readouterr().out
    loaded = sum(tensor.numel() for name, tensor in ours.items() if name in theirs)
    fresh = sum(tensor.numel() for name, tensor in ours.items() if name not in theirs)
    begins = f"Begins with {pretrained}, its sizes and its tokenizer"
    assert f"{begins}: embedding, encoder, decoder loaded ({loaded:,} numbers); " in said
    assert f"query, head fresh ({fresh:,})." in said


def test_every_tensor_that_both_have_is_loaded(pretrained: Path, finetuning: Callable[..., TrainConfig]) -> None:
    config = finetuning()
    data = assembly.build_data(config)
    data.setup()
    task = assembly.build_task(config, data)
    load_pretrained(config, task, tokenizer=data.tokenizer, label_names=data.label_names)
    theirs, ours = weights(pretrained, "best"), task.state_dict()
    assert {*ours} - {*theirs} == {"model.query", "model.head.weight", "model.head.bias"}
    assert all(torch.equal(ours[name], tensor) for name, tensor in theirs.items())
    with pytest.raises(UserError, match=r"but the vocabulary of .* is another one now; start a new run"):
        load_pretrained(config, task, tokenizer=BasicEnglish(vocabulary_size=300), label_names=data.label_names)
    with pytest.raises(UserError, match="must have a task with a `model`, but a LightningModule has none"):
        load_pretrained(config, lightning.LightningModule(), tokenizer=data.tokenizer, label_names=())


def test_begun_it_needs_the_other_run_no_more(
    pretrained: Path, finetuning: Callable[..., TrainConfig], tmp_path: Path
) -> None:
    whole, folder, away = tmp_path / "whole", tmp_path / "run", pretrained.with_name("away")
    config = finetuning("optimizer.layer_decay=0.5", "scheduler.unfreeze_share=0.6", "trainer.max_epochs=2")
    train(config, folder=whole, overrides=[])
    groups = torch.load(whole / "checkpoints" / "last.ckpt")["optimizer_states"][0]["param_groups"]
    rates = [1e-2 * 0.5**depth for depth in range(4)]  # the head, a decoder's and an encoder's block, embeddings
    assert sorted({group["initial_lr"] for group in groups}, reverse=True) == pytest.approx(rates)
    with pytest.raises(Interrupted):
        train(config, folder=folder, overrides=[], interruption=SignalAt(5))
    pretrained.rename(away)
    try:
        train(config, folder=folder, overrides=[], resumed=True, checkpoint=str(newest_checkpoint(folder).path))
        assert curveless(outcome(folder)) == curveless(outcome(whole))
        assert read_run(folder).tokenizer.fingerprint() == read_run(whole).tokenizer.fingerprint()
    finally:
        away.rename(pretrained)


def curveless(found: dict[str, Any]) -> dict[str, Any]:
    """Leave out the curves, whose files one process made in one second, so that they are read in any order."""
    return {name: value for name, value in found.items() if name != "curves"}


def test_a_classifier_of_other_labels_keeps_no_head(
    finetuning: Callable[..., TrainConfig], tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, same, other = (tmp_path / name for name in ("first", "same", "other"))
    train(finetuning(*ONE_EPOCH), folder=first, overrides=[])
    free = [text for text in TINY if not text.startswith("model.")]
    bundled = composed(*free, *ONE_EPOCH, f"init_from={first}", f"paths.cache={cache}")
    capsys.readouterr()
    train(bundled, folder=same, overrides=[])
    assert "embedding, query, encoder, decoder, head loaded" in capsys.readouterr().out.replace(
        "query, embedding", "embedding, query"
    )
    table = tmp_path / "stars.csv"
    table.write_text("text,label\n" + "".join(f"film {n} was {n % 3} of it,{n % 3}\n" for n in range(60)))
    theirs = ("data=csv", f"data.train={table}", "data.text=text", "data.label=label", "data.batch_tokens=512")
    config = composed(*theirs, *ONE_EPOCH, f"init_from={first}", f"paths.cache={cache}", "trainer.progress=false")
    train(config, folder=other, overrides=[])
    said = capsys.readouterr().out
    assert "head fresh (51); head left behind." in said  # 16 x 3 + 3


def test_what_only_one_of_two_models_has_is_said(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    always = (*TINY, *ONE_EPOCH, f"paths.cache={cache}", "model.encoder_layers=1")
    for positions, first in (("relative", tmp_path / "relative"), ("learned", tmp_path / "learned")):
        settings = (*always, f"model.positions={positions}", "task=denoise", "task.row_tokens=48")
        train(composed(*settings), folder=first, overrides=[])
    free = [text for text in always if not text.startswith("model.")]
    begun = composed(*free, f"init_from={tmp_path / 'relative'}")
    capsys.readouterr()
    train(begun, folder=tmp_path / "run", overrides=[])
    assert "; decoder.relative left behind." in capsys.readouterr().out
    longer = composed(*free, f"init_from={tmp_path / 'learned'}", "data.max_tokens=50")
    with pytest.raises(UserError, match=r"is 48 x 16 there and 50 x 16 here; with learned positions, data.max_tokens"):
        train(longer, folder=tmp_path / "longer", overrides=[])


def test_what_cannot_be_begun_with_is_refused(pretrained: Path, tmp_path: Path, cache: Path) -> None:
    begin = f"init_from={pretrained}"
    assert faults(begin, "model.dim=32", "tokenizer=bpe", "model=small", "model.dropout=0.2") == [
        f"`{key}` must be left out beside init_from, which brings the sizes and tokenizer of its run along."
        for key in ("model.dim", "tokenizer", "model")
    ]
    (said,) = faults("init_from=/no/such/run")
    assert said == "`init_from` must be a run folder, but /no/such/run is none; name the folder of a finished run."
    (said,) = faults("optimizer.layer_decay=0.8")
    assert said.endswith("is set; give init_from=FOLDER.")
    with pytest.raises(FaultsError, match="give init_from=FOLDER"):
        composed("experiment=finetune")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(FaultsError, match=r"must be a run folder, but holds no run\.json"):
        composed(f"init_from={empty}")
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    for name in ("run.json", "config.yaml", "vocabulary.json"):
        (unfinished / name).write_bytes((pretrained / name).read_bytes())
    config = composed(f"init_from={unfinished}", "data.overfit_reviews=8", f"paths.cache={cache}")
    with pytest.raises(UserError, match=r"lacks checkpoints/best.ckpt"):
        train(config, folder=tmp_path / "none", overrides=[])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("data=imdb",), "had data=imdb_bundled instead of data=imdb; give data=imdb_bundled, or"),
        (("data.validation=100",), "had data.validation=2500 instead of data.validation=100; give"),
        (("data.test=100",), "had data.test=2500 instead of data.test=100; give"),
    ],
)
def test_a_run_that_may_have_read_what_is_held_out_is_refused(
    pretrained: Path, words: tuple[str, ...], said: str
) -> None:
    (found,) = faults(f"init_from={pretrained}", *words)
    assert found.startswith("`init_from` must have learnt from no review or label that this run holds out, but ")
    assert said in found


def test_labels_count_where_they_were_learnt_and_ancestors_count(pretrained: Path, tmp_path: Path) -> None:
    config = yaml.safe_load((pretrained / "config.yaml").read_text())

    def run(name: str, **sections: Any) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "run.json").write_bytes((pretrained / "run.json").read_bytes())
        changed = {key: config[key] | value if isinstance(value, dict) else value for key, value in sections.items()}
        (folder / "config.yaml").write_text(yaml.safe_dump(config | changed))
        return folder

    labels = ("data.labels=100", "data.draw=1")
    assert faults(f"init_from={pretrained}", *labels) == []  # it has seen no label
    classifier = run("classifier", task={"name": "classification"})
    (said,) = faults(f"init_from={classifier}", *labels)
    assert "had data.labels=null instead of data.labels=100; give data.labels=null" in said
    between = run("between", init_from=str(classifier))
    (said,) = faults(f"init_from={between}", *labels)
    assert f"but {classifier} had" in said
    table = ("data=csv", "data.train=a.csv", "data.text=text", "data.label=label")
    csv = {"name": "csv", "train": "a.csv", "validation": None, "test": None, "test_share": 0.1}
    other = run("csv", data=csv | {"validation_share": 0.2})
    (said,) = faults(f"init_from={other}", *table)
    assert "had data.validation_share=0.2 instead of data.validation_share=0.1" in said
    assert faults(f"init_from={run('another', data=csv | {'train': 'b.csv'})}", *table) == []
    loop = run("loop", init_from=str(tmp_path / "loop"))
    assert faults(f"init_from={loop}") == []


@pytest.mark.parametrize("key", ["optimizer.layer_decay", "scheduler.unfreeze_share", "init_from"])
def test_a_resumed_run_keeps_what_it_began_with(finetuning: Callable[..., TrainConfig], key: str) -> None:
    config = finetuning("resume.allow_change=true")
    with pytest.raises(UserError, match=f"must keep its model, tokens and optimizer, but {key}: 1 -> 2 would change"):
        _check_changes(config, [Change(key, 1, 2)])


@pytest.mark.slow
def test_two_processes_begin_alike(pretrained: Path, tmp_path: Path, cache: Path) -> None:
    free = [text for text in TINY if not text.startswith("model.")]
    exact = (
        "trainer.precision=64-true", "model.dropout=0", "model.embedding_dropout=0", "model.word_dropout=0",
        "model.bigram_dropout=0", "optimizer.layer_decay=0.5", "scheduler.unfreeze_share=0.5", "optimizer=sgd",
    )  # fmt: skip
    always = (*free, *exact, f"init_from={pretrained}", f"paths.cache={cache}")
    for name, words in (("one", ()), ("two", ("trainer=ddp_cpu", "trainer.devices=2"))):
        done = start(*always, *words, f"hydra.run.dir={tmp_path / name}")
        assert done.returncode == 0, done.stderr
    one, two = (weights(tmp_path / name) for name in ("one", "two"))
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=0, atol=1e-9, msg=name)
