"""What is wrong with a YAML file, by file and line."""

import re
import traceback
from pathlib import Path

from hydra.plugins.config_source import ConfigResult
from yaml import MarkedYAMLError, YAMLError  # type: ignore[import-untyped]  # OmegaConf's parser
from yaml.reader import ReaderError  # type: ignore[import-untyped]

_NO_TEXT = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # as PyYAML has it


def yaml_fault(error: BaseException) -> str | None:
    """Return a sentence about the file that Hydra could not read; None if the error comes of something else."""
    path = _file(error)
    if path is None:
        return None
    line: int | None = None
    said = str(error).strip() or str(error.__cause__ or type(error).__name__).strip()  # ANTLR's own errors say nothing
    why = said.split("\n")[0].rstrip(".")
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        context = f"{error.context} " if str(error.problem).startswith("but ") else ""
        why = context + str(error.problem)
        if "'\\t'" in why:
            why += ", so indent by spaces"
    elif isinstance(error, ReaderError | UnicodeDecodeError):
        line, why = _no_text(path)
    elif isinstance(error, RecursionError):
        why = "it is nested too deeply"
    elif not isinstance(error, YAMLError):
        return f"{path} must be a file of this configuration, but is not: {why}; mend it."
    place = f"{path}, line {line}," if line else str(path)
    return f"{place} must be YAML, but is not: {why}; mend it."


def _file(error: BaseException) -> Path | None:
    """Return the file that Hydra was reading: its name stands in no error, but in the call that read it."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == "load_config" and "full_path" in frame.f_locals:
            return Path(frame.f_locals["full_path"])
        if frame.f_code.co_name == "load_config" and frame.f_locals.get("ret"):  # its defaults list, once it is read
            return config_file(frame.f_locals["config_path"], frame.f_locals["ret"])
    return None


def config_file(name: str, found: ConfigResult) -> Path:
    """Return the file that Hydra found for a name."""
    return Path(found.path.removeprefix("file://")) / f"{name.removesuffix('.yaml')}.yaml"


def _no_text(path: Path) -> tuple[int | None, str]:
    """Return the line and what is wrong in a file that holds bytes that are no text."""
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        try:
            found = _NO_TEXT.search(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            return number, f"byte {error.start + 1} of it (0x{line[error.start]:02x}) is no UTF-8"
        if found:
            return number, f"it holds the character U+{ord(found[0]):04X}"
    return None, "it holds a character that no YAML may hold"
