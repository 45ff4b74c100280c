"""One export from start to end: written aside, checked in the runtime that will read it, then put in its place."""

import contextlib
import importlib.util
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from src.atomic import ASIDE, cannot_write, write_text
from src.errors import UserError
from src.exporting import onnx_format, safetensors_format, torch_export_format
from src.exporting.calibrated import with_calibrated_weights
from src.exporting.description import describe
from src.exporting.parity import Difference, Runtime, check_parity
from src.exporting.tokenizer_json import tokenizer_json
from src.inference.run_folder import RunFolder


@dataclass(frozen=True)
class ExportFormat:
    """One way to hold a model."""

    name: str
    file: str
    needs: tuple[str, ...]  # packages of the extra `export`
    write: Callable[[RunFolder, Path], None]
    runtime: Callable[[Path], Runtime]


FORMATS = {
    one.name: one
    for one in (
        ExportFormat(
            "safetensors",
            safetensors_format.FILE,
            ("safetensors",),
            safetensors_format.write,
            safetensors_format.runtime,
        ),
        ExportFormat(
            "onnx", onnx_format.FILE, ("onnx", "onnxscript", "onnxruntime"), onnx_format.write, onnx_format.runtime
        ),
        ExportFormat(
            "torch_export", torch_export_format.FILE, (), torch_export_format.write, torch_export_format.runtime
        ),
    )
}


def check_installed(name: str) -> None:
    """Raise a UserError unless the packages that a format needs are installed."""
    missing = [package for package in FORMATS[name].needs if importlib.util.find_spec(package) is None]
    if missing:
        raise UserError(
            f"format={name} needs {', '.join(FORMATS[name].needs)}, but {', '.join(missing)} is not installed: run "
            "`pip install -e '.[export]' -c constraints.txt`."
        )


def export_run(run: RunFolder, *, name: str, output: Path, overwrite: bool) -> list[Difference]:
    """Export a run into a folder: weights, config.json and tokenizer.json.

    Args:
        run: what to export.
        name: of the format.
        output: the folder, which appears only when everything in it is written and checked.
        overwrite: whether it may hold files already; those of the same names are replaced, others left alone.

    Returns:
        How far the export is from the run, by batch.

    Raises:
        UserError: packages are missing, the folder is not free, or it cannot be written to.
        ParityError: the export does not say what the run says.
    """
    check_installed(name)
    if output.exists() and not output.is_dir():
        raise UserError(f"`output` must be a folder, but {output} is a file; name another one.")
    if output.is_dir() and any(output.iterdir()) and not overwrite:
        raise UserError(f"`output` must be an empty or a new folder, but {output} is not; say overwrite=true.")
    made = [folder for folder in output.parents if not folder.exists()]
    aside: Path | None = None
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=output.parent, prefix=ASIDE))
        differences = _write(run, FORMATS[name], aside)
        _put_in_place(aside, output)
    except OSError as error:
        raise cannot_write(output, error) from error
    except UserError as error:
        if isinstance(error.__cause__, OSError):  # it names the folder aside
            raise cannot_write(output, error.__cause__) from error
        raise
    finally:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)
        with contextlib.suppress(OSError):  # they hold something: the export
            for folder in made:
                folder.rmdir()
    return differences


def _write(run: RunFolder, form: ExportFormat, folder: Path) -> list[Difference]:
    described = describe(run, name=form.name, file=form.file)
    if (tokenizer := tokenizer_json(run.tokenizer)) is None:
        described |= {"tokenizer": None, "tokenizer_gives": None}
    else:
        write_text(folder / "tokenizer.json", tokenizer)
    write_text(folder / "config.json", json.dumps(described, indent=2, ensure_ascii=False) + "\n")
    form.write(with_calibrated_weights(run), folder)
    return check_parity(run, form.runtime(folder))


def _put_in_place(aside: Path, output: Path) -> None:
    """Rename the folder or, where there is one already, its files."""
    aside.chmod(0o755)  # mkdtemp's own lets nobody else in
    if output.is_dir() and any(output.iterdir()):
        for path in aside.iterdir():
            path.replace(output / path.name)
    else:
        aside.replace(output)
