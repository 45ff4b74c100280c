"""Where the time of a run goes: `+trainer.profiler=simple`, by Lightning's profilers, written to the run folder."""

from pathlib import Path

from lightning.pytorch.profilers import AdvancedProfiler, Profiler, PyTorchProfiler, SimpleProfiler

PROFILE = "profile"  # folder inside the run folder: a file a stage and process


def build_profiler(name: str | None, folder: Path) -> Profiler | None:
    """Make the profiler called `name`, which writes its report when a stage ends.

    Args:
        name: simple (seconds a hook), advanced (Python's cProfile a hook), pytorch (operators, as a trace), or None.
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
    return kinds[name](dirpath=place, filename=f"{name}-{number + 1}" if number else name)
