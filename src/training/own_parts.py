"""Classes of the user's own: what each place of the configuration expects of one, checked before a run begins."""

import importlib.util
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, Checkpoint, ProgressBar
from lightning.pytorch.loggers import Logger
from lightning.pytorch.profilers import Profiler
from torch.optim.lr_scheduler import ReduceLROnPlateau

from src.config.plugin_settings import LoggerSettings
from src.config.schema import Config
from src.config.sentences import FaultsError
from src.data.source_settings import SOURCE
from src.data.tokenizer_kinds import TOKENIZER
from src.errors import UserError
from src.settings import OwnSection
from src.targets.locating import locate
from src.targets.names import TARGET
from src.targets.signature import Expected, signature_faults
from src.tasks.optimization import BY_A_METRIC, OPTIMIZER, SCHEDULE
from src.tasks.settings import OwnTaskSettings
from src.tasks.task import Task
from src.transformer.own_model import MODEL, SIZES

CALLBACK = Expected("a Callback of Lightning", kind=Callback)
LOGGER = Expected("a Logger of Lightning", kind=Logger, offered=("save_dir",))
PROFILER = Expected("a Profiler of Lightning", kind=Profiler, offered=("dirpath", "filename"))
TASK = Expected(
    "a Task (src.tasks.task.Task)",
    kind=Task,
    passed=("model", "optimizer", "scheduler", "label_names", "total_steps", "seed"),
    offered=SIZES,
)
PLACES = {
    "data": SOURCE,
    "tokenizer": TOKENIZER,
    "model": MODEL,
    "task": TASK,
    "optimizer": OPTIMIZER,
    "scheduler": SCHEDULE,
    "callbacks": CALLBACK,
    "logger": LOGGER,
    "trainer": PROFILER,
}
# Of others, which bring their own state, a run can say only that it goes on as far as they keep it
EXACT = frozenset(  # resumed to the same bits in tests/end_to_end/test_recipes.py
    {"lightning.pytorch.callbacks.LearningRateMonitor", "torch.optim.RAdam", "torch.optim.lr_scheduler.OneCycleLR"}
)


def check_own_parts(configs: Sequence[Config]) -> None:
    """Import what configurations name, and check it without calling it; look for the packages of trackers.

    Raises:
        FaultsError: with a sentence for every fault found.
    """
    sections: list[tuple[str, OwnSection]] = []
    for config in configs:  # the jobs of a sweep have most of them in common
        sections += [one for one in config.own_sections().items() if one not in sections]
    faults = [fault for config in configs for fault in _missing_packages(config.logger)]
    faults += [fault for key, section in sections for fault in _faults(key, section)]
    if faults:
        raise FaultsError(faults)


def _faults(key: str, section: OwnSection) -> Iterator[str]:
    faults = signature_faults(section.target, key=key, expected=PLACES[key.partition(".")[0]])
    yield from faults
    if faults:
        return
    target = locate(section.target, key)
    if key == "tokenizer" and not isinstance(target, type):
        yield f"`{key}` must name a class, whose `from_state` makes it again, but {target.__name__} is a function."
    if isinstance(target, type) and issubclass(target, Checkpoint):
        yield f"`{key}` must leave checkpoints to this program (checkpoint.every), but is a Checkpoint; leave it out."
    if isinstance(target, type) and issubclass(target, ProgressBar):
        yield f"`{key}` must leave progress to this program (trainer.progress), but is a ProgressBar; leave it out."
    if target is ReduceLROnPlateau:
        yield BY_A_METRIC.format(section.target[TARGET])
    if isinstance(section, OwnTaskSettings) and isinstance(target, type) and issubclass(target, Task):
        yield from _monitor_faults(section.monitor, target)


def _monitor_faults(monitor: str, task: type[Task]) -> Iterator[str]:  # type: ignore[type-arg]  # of any report
    names = [headline.name for headline in getattr(task, "headlines", ()) if headline.name.startswith("validation/")]
    if monitor not in names:
        yield (
            f"`task.monitor` must be a headline of {task.__qualname__} on the validation split "
            f"({', '.join(names) or 'it has none'}), but is {monitor} instead."
        )


def _missing_packages(settings: LoggerSettings) -> Iterator[str]:
    """Yield a sentence for every tracker whose package is not installed."""
    for name, asked in (("wandb", settings.wandb), ("mlflow", settings.mlflow)):
        if asked is not None and importlib.util.find_spec(name) is None:
            yield f"`logger.{name}` needs {name}, but it is not installed: run `pip install -e '.[{name}]'`."


def keeps_state(names: Collection[str]) -> str:
    """Say how exactly a run goes on that holds classes of the user's own."""
    unknown = sorted(name for name in names if name not in EXACT)
    return f" as far as {', '.join(unknown)} keep{'s' if len(unknown) == 1 else ''} state" if unknown else ""


@contextmanager
def taken_together(config: Config) -> Iterator[None]:
    """Say what Lightning does not take of classes of the user's own.

    Raises:
        UserError: it does not take one.
    """
    try:
        yield
    except (MisconfigurationException, RuntimeError, TypeError, ValueError) as error:
        own = [key for key in config.own_sections() if key.startswith(("callbacks.", "logger.", "trainer."))]
        if not own or isinstance(error, UserError):
            raise
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"{', '.join(f'`{key}`' for key in own)} must be what Lightning takes together, but it says: {why}"
        ) from error
