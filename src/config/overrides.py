"""Single overrides (`group=option`, `key=value`): parsed by Hydra's own parser, and what is wrong with each."""

import difflib
import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from src.config.composition import OPTIONAL_GROUPS, first_line
from src.config.config_files import ConfigFiles
from src.config.own_sections import mixed
from src.config.quoting import as_text, as_typed, takes_text
from src.config.sentences import FaultsError, unknown_key, unknown_option
from src.config.sweep_axes import left_out_extra, values
from src.config.trainer_arguments import left_out
from src.config.trainer_settings import ADDED
from src.config.trusted_names import EMPTY, is_callback, names_code
from src.runs.trust import VARIABLE
from src.targets.names import SECTIONS, TARGET, is_target, place_of


def parse(texts: list[str], files: ConfigFiles) -> list[Override]:
    """Parse all overrides.

    Raises:
        FaultsError: with a sentence for each that is none.
    """
    parser = OverridesParser.create()
    parsed: list[Override] = []
    faults: list[str] = []

    def parse_one(text: str) -> Override | HydraException:
        try:
            override = parser.parse_override(text)
        except HydraException as error:
            return error
        override.config_loader = files.loader  # for glob(*)
        return override

    for words in as_typed(texts):
        found = [parse_one(word) for word in words]
        whole, advice = " ".join(words), None
        if len(words) > 1 and (isinstance(found[0], HydraException) or takes_text(_key(whole))):
            advice = _in_one_word(whole, parse_one(whole))
        if advice:
            faults.append(
                f"An override must be one word to the shell, but {' and '.join(words)} are {len(words)}; put quotes "
                f"around it: {advice}"
            )
            continue
        for word, one in zip(words, found, strict=True):
            if isinstance(one, Override):
                parsed.append(one)
            else:
                advice = as_text(_key(word), word.partition("=")[2])
                then = f"; put quotes around its value: {advice}" if advice else "; mend it."
                faults.append(f"An override must read key=value, but {word!r} does not ({first_line(one)}){then}")
    if faults:
        raise FaultsError(faults)
    return parsed


def _in_one_word(text: str, found: Override | HydraException) -> str | None:
    """Return an override that the shell has cut at its spaces, quoted so that it does not; None if that is no help."""
    if takes_text(_key(text)):
        advice = as_text(_key(text), text.partition("=")[2])
        return shlex.quote(text) if advice and isinstance(found, Override) and _is_text(found) else advice
    return None if isinstance(found, HydraException) else shlex.quote(text)


def _is_text(override: Override) -> bool:
    return not override.is_sweep_override() and isinstance(override.value(), str)


def _key(text: str) -> str:
    return text.partition("=")[0].lstrip("+~")


def group_faults(override: Override, files: ConfigFiles) -> Iterator[str]:
    """Yield what is wrong with the choice of an option."""
    group, sign = override.key_or_group, _sign(override)
    if sign == "~" and group in OPTIONAL_GROUPS:
        return  # what `without_nulls` makes of GROUP=null
    if sign:
        yield f"A group is chosen by `{group}=OPTION`, but {override.input_line} begins with {sign} instead."
        return
    options = files.options(group)
    for name in (text.strip("'\"") for text in values(override)):
        if name == "null" and group in OPTIONAL_GROUPS:
            yield f"`{group}` cannot be swept over null; run {group}=null by itself."  # Hydra takes no null here
        elif name not in options:
            yield left_out_extra(group, name) or unknown_option(f"`{group}`", name or "nothing", options)


def names_a_class(override: Override) -> bool:
    """Say whether an override says `_target_`, as its key or in a value that is a section."""
    if override.is_sweep_override():
        return override.key_or_group.endswith(f".{TARGET}")
    return override.key_or_group.endswith(f".{TARGET}") or is_target(override.value())


def first_choice(override: Override) -> str:
    """Return the override with one value, the first, where it has several."""
    return f"{override.get_key_element()}={values(override)[0]}"


@dataclass(frozen=True)
class Keys:
    """The keys that exist with the options chosen."""

    base: DictConfig  # composed of the options alone, `hydra` included
    ours: list[str]  # dotted names of sections and keys
    hydras: list[str]  # those below `hydra`
    groups: set[str]
    files: ConfigFiles
    own: set[str]  # the sections that name a class of the user's own, which alone knows its keys

    @classmethod
    def of(
        cls,
        base: DictConfig,
        groups: set[str],
        files: ConfigFiles,
        overrides: Sequence[Override],
        classes: Collection[str] = (),
    ) -> "Keys":
        """Collect the keys of a composed configuration.

        Args:
            base: composed of the options alone.
            groups: all there are.
            files: that it was composed of.
            overrides: which may name further classes of the user's own.
            classes: sections that are known to hold one.
        """
        names = [*_dotted(base)]
        hydras = [name for name in names if name.split(".")[0] == "hydra"]
        ours = [name for name in names if name not in hydras]
        own = set(classes) | {place for name in ours if name.endswith(f".{TARGET}") and (place := place_of(name))}
        own |= {place for one in overrides if names_a_class(one) and (place := place_of(one.key_or_group))}
        return cls(base, ours, hydras, groups, files, own)

    def fault(self, override: Override) -> str | None:
        """Say what is wrong with the key of an override, if anything is."""
        key = override.key_or_group
        hydras = key.split(".")[0] == "hydra" or key.startswith("hydra/")
        return self._hydra_fault(override) if hydras else self._our_fault(override)

    def _our_fault(self, override: Override) -> str | None:
        key, sign, text = override.key_or_group, _sign(override), str(override.input_line)
        if place_of(key) in self.own:
            return self._own_fault(override)
        if key in ADDED and key not in self.ours and sign != "~":
            return None if sign in ("+", "++") else f"`{key}` stands in no file of conf/, so it takes a +: +{text}"
        if fault := left_out(key):
            return fault
        if key not in self.ours:
            own = [name for name in sorted(self.groups) if "/" not in name and name != "hydra"]
            return self._of_another_option(key) or unknown_key(key, [*self.ours, *ADDED], own)
        if sign == "~":
            return f"No key can be taken away, but {text} asks for that; null switches off what can be off."
        if sign == "+":
            return f"`{key}` exists, so it is changed without the +: {text.lstrip('+')}."
        section = OmegaConf.select(self.base, key, throw_on_missing=False)
        if isinstance(section, DictConfig) and (override.is_sweep_override() or not isinstance(override.value(), dict)):
            names = ", ".join(name for name in self.ours if name.rpartition(".")[0] == key)
            return f"`{key}` must be changed key by key ({names}), but {text} gives it one value instead."
        written = text.partition("=")[2].strip()
        is_text = override.is_sweep_override() or isinstance(override.value(), str | None)
        if advice := None if is_text else as_text(key, written):
            return f"`{key}` must be text, but is {written} instead. In quotes it is text: {advice}"
        return None

    def _own_fault(self, override: Override) -> str | None:
        """Say what is wrong with an override below a class of the user's own; Hydra wants new keys told from old."""
        key, sign, text = override.key_or_group, _sign(override), str(override.input_line)
        section, _, rest = key.partition(".")
        if rest == TARGET and section in SECTIONS and key not in self.ours and sign != "++":
            return mixed(section, str(self.base.hydra.runtime.choices.get(section)))
        if key not in self.ours and sign not in ("+", "++"):
            return f"`{key}` stands in no file, so it takes a +: +{text.lstrip('~')}"
        if key in self.ours and sign == "+":
            return f"`{key}` exists, so it is changed without the +: {text.lstrip('+')}."
        return None

    def _of_another_option(self, key: str) -> str | None:
        """Name the options of the key's group that hold it, where the chosen one does not."""
        group, _, rest = key.partition(".")
        if group not in self.groups or group in OPTIONAL_GROUPS:
            return None
        holders = []
        for option in self.files.options(group):
            file = self.files.read(f"{group}/{option}")
            if not file or file.header.get("package") or not isinstance(file.config, DictConfig):
                continue
            if rest in _dotted(file.config):
                holders.append(f"{group}={option}")
        if not holders:
            return None
        chosen = self.base.hydra.runtime.choices.get(group)
        return f"There is no key `{key}` with {group}={chosen}; choose {' or '.join(holders)} for it."

    def _hydra_fault(self, override: Override) -> str | None:
        """Let through hydra's own settings, but nothing that would make it load or call other code."""
        key, text = override.key_or_group, str(override.input_line)
        if names_code(key, text):
            return (
                f"No override may name code to run, but {text} does; put code into src/, or trust the exact name of a "
                f"callback in the environment: {VARIABLE}=my.module.MyCallback."
            )
        if is_callback(key):
            return None  # there are none by default, so any name is new
        for fixed, instead in EMPTY.items():
            if key == fixed or key.startswith(f"{fixed}."):
                return f"`{fixed}` must be left empty, but {text} sets it; {instead}."
        if key not in self.hydras or _sign(override) in ("+", "~"):
            near = difflib.get_close_matches(key, self.hydras, n=1, cutoff=0.6)
            return f"There is no hydra setting to change by {text}." + (f" Did you mean `{near[0]}`?" if near else "")
        return None


def _dotted(node: DictConfig, prefix: str = "") -> Iterator[str]:
    """Yield the dotted names of every section and key."""
    for key in node:
        yield prefix + str(key)
        child = node._get_node(key)  # a value may be an interpolation that only a run can resolve
        if isinstance(child, DictConfig) and not (child._is_none() or child._is_missing() or child._is_interpolation()):
            yield from _dotted(child, prefix + str(key) + ".")


def _sign(override: Override) -> str:
    signs = {OverrideType.ADD: "+", OverrideType.FORCE_ADD: "++", OverrideType.DEL: "~"}
    return signs.get(override.type, "") if override.type else ""
