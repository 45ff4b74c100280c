"""The data module in Lightning's hands: what a training loop really gets to see."""

from itertools import chain

import lightning.pytorch as pl
import pytest
import torch

from src.batch import Batch
from src.data.batching import TrainingPlan
from src.data.datamodule import ReviewDataModule
from src.data.encoding_rules import EncodingRules
from src.data.tokenizers import BasicEnglish
from src.errors import UserError

from .conftest import ToySource

WORDS = ["good", "bad", "film", "plot", "dull", "great", "the", "a"]


@pytest.fixture
def source() -> ToySource:
    texts = [" ".join(WORDS[(place * step) % 8] for step in range(1 + place % 20)) for place in range(60)]
    return ToySource(train=texts, validation=texts[:7], test=texts[:11])


@pytest.fixture
def make(source, tmp_path):
    def make(**changes) -> ReviewDataModule:
        settings = {
            "source": source,
            "rules": EncodingRules(tokenizer=BasicEnglish(vocabulary_size=50), max_tokens=16, head_share=0.25),
            "batch_tokens": 64,
            "batch_reviews": None,
            "evaluation_batch_tokens": 64,
            "num_workers": 0,
            "seed": 0,
            "cache": tmp_path / "cache",
        }
        return ReviewDataModule(**(settings | changes))

    return make


@pytest.fixture
def ready(make):
    module = make()
    module.prepare_data()
    module.setup()
    return module


class Watching(pl.LightningModule):
    """Trains nothing and notes which reviews pass by, per epoch and stage."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen: dict[str, list[list[int]]] = {}

    def note(self, stage: str, batch: Batch) -> None:
        self.seen.setdefault(stage, []).append(batch.index_B.tolist())

    def training_step(self, batch: Batch) -> torch.Tensor:
        self.note(f"train {self.current_epoch}", batch)
        return self.weight * batch.valid_BL.sum()

    def validation_step(self, batch: Batch) -> None:
        self.note(f"validation {self.current_epoch}", batch)

    def test_step(self, batch: Batch) -> None:
        self.note("test", batch)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def trainer(**settings) -> pl.Trainer:
    return pl.Trainer(
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        **settings,
    )


@pytest.mark.filterwarnings("ignore:.*does not have many workers.*", "ignore:.*log_every_n_steps.*")
@pytest.mark.parametrize("num_workers", [0, 2])
def test_lightning_sees_the_planned_batches_of_each_epoch(make, num_workers):
    module, watching = make(num_workers=num_workers), Watching()
    trainer(max_epochs=3).fit(watching, module)
    for epoch in range(3):
        expected = [batch.tolist() for batch in module.training_plan.batches(epoch)]
        assert watching.seen[f"train {epoch}"] == expected
        assert sorted(chain(*watching.seen[f"validation {epoch}"])) == list(range(7))
    assert watching.seen["train 0"] != watching.seen["train 1"] != watching.seen["train 2"]


@pytest.mark.filterwarnings("ignore:.*does not have many workers.*")
def test_lightning_tests_every_review_once(make):
    module, watching = make(), Watching()
    trainer().test(watching, module, verbose=False)
    assert sorted(chain(*watching.seen["test"])) == list(range(11))


@pytest.mark.filterwarnings(
    "ignore:.*does not have many workers.*", "ignore:.*log_every_n_steps.*", "ignore:Total length of `list`.*is zero"
)
def test_without_validation_reviews_lightning_trains_all_the_same(make, source):
    source.texts["validation"] = []
    module, watching = make(), Watching()
    trainer(max_epochs=1).fit(watching, module)
    assert module.val_dataloader() == []
    assert list(watching.seen) == ["train 0"]


def test_properties_after_setup(ready):
    assert ready.label_names == ("negative", "positive")
    assert ready.tokenizer.name == "basic_english"
    assert set(WORDS) == set(ready.tokenizer.state()["tokens"])
    assert ready.statistics["train"].reviews == 60
    assert ready.review_ids("test") == [f"test/{place}" for place in range(11)]
    assert ready.training_batches == len(ready.train_dataloader()) == len(ready.training_plan)
    assert len(ready.fingerprint) == 16


def test_reviews_cannot_be_asked_for_before_setup(make):
    with pytest.raises(RuntimeError, match=r"setup\(\) must be called"):
        _ = make().tokenizer


def test_each_stage_needs_no_new_reading(ready, source):
    encoded = ready.encoded
    ready.setup("test")
    ready.prepare_data()
    assert ready.encoded is encoded
    assert source.reads == 1


def test_iterating_leaves_the_global_random_numbers_alone(ready):
    before = torch.get_rng_state()
    for loader in (ready.train_dataloader(), ready.val_dataloader(), ready.test_dataloader()):
        list(loader)
    assert torch.equal(torch.get_rng_state(), before)


def test_spawned_workers_make_the_same_batches(make):
    module = make(num_workers=1)
    module.setup()
    loader = module.test_dataloader()
    loader.multiprocessing_context = "spawn"
    expected = [loader.dataset[indices] for indices in loader.sampler]
    made = list(loader)
    assert len(made) == len(expected)
    for batch, other in zip(made, expected, strict=True):
        assert isinstance(batch, Batch)
        assert all(torch.equal(tensor, twin) for tensor, twin in zip(batch, other, strict=True))


class Process:
    """As much of a trainer as the loaders ask for, of process `global_rank`."""

    current_epoch = 2

    def __init__(self, global_rank: int, world_size: int) -> None:
        self.global_rank = global_rank
        self.world_size = world_size


@pytest.mark.parametrize("world", [2, 3])
def test_processes_share_training_and_evaluation(ready, world):
    expected = [set(batch.tolist()) for batch in ready.training_plan.batches(2)]
    train, test = [], []
    for rank in range(world):
        ready.trainer = Process(rank, world)
        train.append([batch.index_B.tolist() for batch in ready.train_dataloader()])
        test.append([batch.index_B.tolist() for batch in ready.test_dataloader()])
    assert [set(chain(*shares)) for shares in zip(*train, strict=True)] == expected
    assert len({len(batches) for batches in test}) == 1
    assert sorted(chain(*chain(*test))) == list(range(11))


def test_the_number_of_reviews_can_be_fixed_instead(make):
    module = make(batch_tokens=None, batch_reviews=8)
    module.setup()
    assert isinstance(module.train_dataloader().sampler, TrainingPlan)
    assert {len(batch.labels_B) for batch in module.train_dataloader()} <= {7, 8}
    assert module.training_batches == 8


def test_both_batch_sizes_are_refused_at_once(make):
    with pytest.raises(UserError, match="exactly one of"):
        make(batch_reviews=8)
