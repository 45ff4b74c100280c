"""The task inside a real Lightning loop, on data small enough to count by hand."""

from pathlib import Path
from typing import Any

import lightning
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch.utils.data import DataLoader

from src.batch import Batch, Special
from src.errors import UserError
from src.tasks.classification import ClassificationTask, classification_keywords
from src.tasks.settings import TaskSettings

MODEL: dict[str, Any] = {
    "vocabulary_size": 12, "classes": 3, "dim": 8, "num_heads": 2, "encoder_layers": 1, "decoder_layers": 1,
    "feedforward_dim": 16, "activation": "gelu", "norm": "pre", "positions": "sinusoidal", "max_length": 6,
    "dropout": 0.0, "embedding_dropout": 0.0, "word_dropout": 0.0, "attention_dropout": 0.0, "decoder_input": "query",
}  # fmt: skip


def make_task(**changes: Any) -> ClassificationTask:
    torch.manual_seed(0)
    settings: dict[str, Any] = {
        "model": MODEL,
        "optimizer": {"name": "adamw", "lr": 0.01, "weight_decay": 0.1, "max_gradient_norm": 1.0},
        "scheduler": {"name": "linear", "warmup_share": 0.0, "final_share": 0.0},
        "label_names": ["a", "b", "c"],
        "label_smoothing": 0.0,
        "total_steps": 10,
        "seed": 0,
    }
    return ClassificationTask(**(settings | changes))


def make_batch(reviews: int, first: int) -> Batch:
    generator = torch.Generator().manual_seed(first)
    tokens = torch.randint(len(Special), 12, (reviews, 5), generator=generator)
    labels = torch.randint(0, 3, (reviews,), generator=generator)
    return Batch(tokens, torch.ones(reviews, 5, dtype=torch.bool), labels, torch.arange(first, first + reviews))


UNEVEN = [make_batch(4, 0), make_batch(4, 4), make_batch(1, 8)]


def loader(batches: list[Batch]) -> DataLoader[Batch]:
    return DataLoader(batches, batch_size=None)  # type: ignore[arg-type]


def trainer(folder: Path, **changes: Any) -> lightning.Trainer:
    settings: dict[str, Any] = {
        "accelerator": "cpu", "logger": False, "enable_progress_bar": False, "enable_model_summary": False,
        "enable_checkpointing": False, "max_epochs": 1, "default_root_dir": folder, "use_distributed_sampler": False,
        "num_sanity_val_steps": 0, "log_every_n_steps": 1,
    }  # fmt: skip
    return lightning.Trainer(**(settings | changes))


pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers.*", "ignore:.*no `val_dataloader`.*", "ignore:.*enable the checkpointing.*"
)


def test_validation_weighs_reviews_not_batches(tmp_path: Path) -> None:
    task = make_task()
    run = trainer(tmp_path)
    run.validate(task, loader(UNEVEN), verbose=False)
    with torch.no_grad():
        logits = torch.cat([task.eval()(batch) for batch in UNEVEN]).double()
    labels = torch.cat([batch.labels_B for batch in UNEVEN])
    report = task.take_report()
    assert report.reviews == 9
    assert report.loss == float(F.cross_entropy(logits, labels))
    assert report.accuracy == float((logits.argmax(1) == labels).double().mean())


def test_validation_leaves_the_weights_alone(tmp_path: Path) -> None:
    task = make_task()
    before = {name: tensor.clone() for name, tensor in task.state_dict().items()}
    trainer(tmp_path).validate(task, loader(UNEVEN), verbose=False)
    assert all(torch.equal(before[name], tensor) for name, tensor in task.state_dict().items())


def test_training_step_is_the_mean_cross_entropy_of_the_batch(tmp_path: Path) -> None:
    task = make_task(label_smoothing=0.1)
    with torch.no_grad():
        expected = F.cross_entropy(task(UNEVEN[0]), UNEVEN[0].labels_B, label_smoothing=0.1)
    run = trainer(tmp_path, limit_train_batches=1)
    run.fit(task, loader(UNEVEN))
    assert float(run.callback_metrics["train/loss"]) == pytest.approx(float(expected), rel=1e-6)


def test_class_weights_count_a_review_as_often_as_they_say(tmp_path: Path) -> None:
    weights = [2.0, 1.0, 0.5]
    task = make_task(class_weights=weights)
    batch = make_batch(6, 0)
    made = trainer(tmp_path, max_epochs=1, limit_train_batches=1)
    made.fit(task, loader([batch]))
    fresh = make_task()
    losses = F.cross_entropy(fresh(batch), batch.labels_B, reduction="none").tolist()
    expected = sum(weights[label] * loss for label, loss in zip(batch.labels_B.tolist(), losses, strict=True)) / 6
    assert float(made.callback_metrics["train/loss"]) == pytest.approx(expected, rel=1e-5)
    assert "class_weights_C" not in task.state_dict(), "a setting, not a weight"


def test_balanced_weights_give_each_label_the_same_in_all() -> None:
    settings = TaskSettings(
        name="classification", label_smoothing=0.0, class_weights="balanced", temperature=True, threshold=None,
        ngrams=None, longest_ngram=3, teachers=None, monitor="validation/accuracy",
    )  # fmt: skip
    counts = [600, 300, 100]
    weights = classification_keywords(settings, counts=counts)["class_weights"]
    assert [weight * count for weight, count in zip(weights, counts, strict=True)] == pytest.approx([1000 / 3] * 3)
    with pytest.raises(UserError, match="unless there are two labels, but is f1 with 3 labels"):
        classification_keywords(settings.model_copy(update={"threshold": "f1"}), counts=counts)


def test_the_schedule_moves_with_every_optimizer_step(tmp_path: Path) -> None:
    class Rates(lightning.Callback):
        seen: list[float] = []

        def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
            self.seen.append(trainer.optimizers[0].param_groups[0]["lr"])

    Rates.seen = []
    batches = [make_batch(2, first) for first in range(0, 20, 2)]
    trainer(tmp_path, callbacks=[Rates()], accumulate_grad_batches=2).fit(make_task(total_steps=5), loader(batches))
    # after the steps 1, 2, 3, 4, 5 (two batches each) the factor is 4/5, 3/5, 2/5, 1/5, 0
    rates = [0.01 * factor for factor in (1, 0.8, 0.8, 0.6, 0.6, 0.4, 0.4, 0.2, 0.2, 0)]
    assert Rates.seen == pytest.approx(rates)


def test_gradients_are_clipped_in_bf16_with_a_fused_optimizer(tmp_path: Path) -> None:
    """PITFALL: Lightning 2.6 itself refuses this combination."""

    class Norms(lightning.Callback):
        seen: list[float] = []

        def on_before_zero_grad(self, trainer: lightning.Trainer, task: Any, optimizer: Any) -> None:
            norms = [p.grad.norm() for p in task.parameters() if p.grad is not None]
            if norms:
                self.seen.append(float(torch.stack(norms).norm()))

    Norms.seen = []
    optimizer = {"name": "adamw", "lr": 0.0, "weight_decay": 0.0, "max_gradient_norm": 0.01}
    run = trainer(tmp_path, precision="bf16-mixed", callbacks=[Norms()])
    run.fit(make_task(optimizer=optimizer), loader(UNEVEN))
    assert Norms.seen[1:]
    assert all(norm == pytest.approx(0.01, rel=1e-3) for norm in Norms.seen)
    assert float(run.callback_metrics["optimization/gradient_norm"]) > 0.01


def test_a_batch_of_eight_is_learnt_by_heart(tmp_path: Path) -> None:
    task = make_task(total_steps=60, scheduler={"name": "constant", "warmup_share": 0.0})
    run = trainer(tmp_path, max_epochs=60)
    run.fit(task, loader([make_batch(8, 0)]), loader([make_batch(8, 0)]))
    assert run.callback_metrics["validation/accuracy"] == 1.0


def test_checkpoint_holds_plain_values_and_rebuilds_the_task(tmp_path: Path) -> None:
    task = make_task()
    run = trainer(tmp_path)
    run.fit(task, loader(UNEVEN))
    path = tmp_path / "task.ckpt"
    run.save_checkpoint(path)
    assert torch.serialization.get_unsafe_globals_in_checkpoint(path) == []
    content = torch.load(path, weights_only=True)
    assert not [key for key in content["state_dict"] if "_orig_mod" in key]
    again = ClassificationTask.load_from_checkpoint(path, weights_only=True)
    with torch.no_grad():
        assert torch.equal(again.eval()(UNEVEN[0]), task.eval()(UNEVEN[0]))


def test_training_metrics_are_logged_where_validation_is(tmp_path: Path) -> None:
    logged: dict[str, list[float]] = {}

    class Spy(lightning.Callback):
        def on_validation_end(self, trainer: lightning.Trainer, *_: Any) -> None:
            for name in ("train/accuracy", "validation/accuracy"):
                logged.setdefault(name, []).append(float(trainer.callback_metrics[name]))

    batches = [make_batch(2, first) for first in range(0, 8, 2)]
    task = make_task(optimizer={"name": "sgd", "lr": 1e-9, "weight_decay": 0.0, "max_gradient_norm": None})
    run = trainer(tmp_path, callbacks=[Spy()], val_check_interval=0.5)
    run.fit(task, loader(batches), loader(UNEVEN))
    with torch.no_grad():
        right = [float((task(batch).argmax(1) == batch.labels_B).double().mean()) for batch in batches]
    assert logged["train/accuracy"] == pytest.approx([sum(right[:2]) / 2, sum(right[2:]) / 2])
    assert len(logged["validation/accuracy"]) == 2


def test_training_metrics_without_validation_are_logged_each_epoch(tmp_path: Path) -> None:
    run = trainer(tmp_path)
    run.fit(make_task(), loader(UNEVEN))
    assert 0 <= float(run.callback_metrics["train/accuracy"]) <= 1


def test_processes_draw_different_dropout() -> None:
    task = make_task(seed=7)
    first = torch.Generator().manual_seed(7)
    task.on_fit_start()
    assert torch.equal(torch.rand(3), torch.rand(3, generator=first))


def test_labels_of_a_teacher_are_learnt_beside_those_of_reviews(tmp_path: Path) -> None:
    taught_NC = torch.tensor([[0.2, 0.3, 0.5], [0.9, 0.1, 0.0]])
    batch = make_batch(4, 0)._replace(labels_B=torch.tensor([-1, 2, -1, 0]), index_B=torch.tensor([6, 1, 5, 0]))
    task = make_task(label_smoothing=0.1, class_weights=[1.0, 2.0, 0.5])
    task.learn_from(taught_NC, labelled=5)
    targets_BC = task.targets(batch)
    assert targets_BC.tolist() == [taught_NC[1].tolist(), [0, 0, 1], taught_NC[0].tolist(), [1, 0, 0]]
    log_BC = task(batch).log_softmax(-1)
    smoothed_BC = 0.9 * targets_BC + 0.1 / 3
    expected = float(-(smoothed_BC * torch.tensor([1.0, 2.0, 0.5]) * log_BC).sum().detach() / 4)
    run = trainer(tmp_path, max_epochs=1)
    run.fit(task, loader([batch]))
    assert float(run.callback_metrics["train/loss"]) == pytest.approx(expected, rel=1e-5)
    assert not [name for name in task.state_dict() if "taught" in name]


def test_a_teacher_that_says_the_labels_changes_nothing() -> None:
    batch = make_batch(4, 0)
    plain, taught = make_task(), make_task()
    taught.learn_from(F.one_hot(batch.labels_B, 3).float(), labelled=0)
    hidden = batch._replace(labels_B=torch.full((4,), -1))
    one, two = (F.cross_entropy(task(batch), task.targets(of)) for task, of in ((plain, batch), (taught, hidden)))
    assert float(one.detach()) == pytest.approx(float(two.detach()), rel=1e-6)
