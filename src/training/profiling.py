"""Where the time of a run goes: `+trainer.profiler=simple`, by Lightning's profilers, written to the run folder."""

from pathlib import Path

from lightning.pytorch.profilers import AdvancedProfiler, Profiler, PyTorchProfiler, SimpleProfiler

from src.settings import OwnSection
from src.targets.building import build
from src.targets.names import PROFILER as PROFILER_KEY
from src.training.own_parts import PROFILER

PROFILE = "profile"  # folder inside the run folder: a file a stage and process


def build_profiler(name: str | OwnSection | None, folder: Path) -> Profiler | None:
    """Make the profiler called `name`, which writes its report when a stage ends.

    Args:
        name: a class of the user's own, None, or simple (seconds a hook), advanced (Python's cProfile a hook), pytorch
            (operators, as a trace).
        folder: the run folder.
    """
    if name is None:
        return None
    kinds: dict[str, type[Profiler]] = {
        "simple": SimpleProfiler,
        "advanced": AdvancedProfiler,
        "pytorch": PyTorchProfiler,
    }
    place = folder / PROFILE
    place.mkdir(exist_ok=True)
    number = len({path.name.partition("-")[2] for path in place.iterdir()})  # of earlier processes of a resumed run
    file = f"{'own' if isinstance(name, OwnSection) else name}{f'-{number + 1}' if number else ''}"
    if not isinstance(name, OwnSection):
        return kinds[name](dirpath=place, filename=file)
    handed = {"dirpath": place, "filename": file}
    profiler: Profiler = build(name.target, key=PROFILER_KEY, expected=PROFILER, handed=handed)
    return profiler
