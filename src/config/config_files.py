"""The files that a configuration is composed of: their groups, their options, what a file says."""

from collections.abc import Iterator

from hydra.core.config_loader import ConfigLoader
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource


class ConfigFiles:
    """The files that Hydra's loader finds: those of --config-dir before ours.

    Args:
        loader: Hydra's.
    """

    def __init__(self, loader: ConfigLoader) -> None:
        self.loader = loader
        self._sources: list[ConfigSource] = loader.get_sources()

    def groups(self) -> set[str]:
        """Return the names of all groups, nested ones (hydra/launcher) included."""

        def walk(parent: str) -> Iterator[str]:
            for name in self._names(parent, ObjectType.GROUP):
                path = f"{parent}/{name}" if parent else name
                if self._names(path, ObjectType.CONFIG):
                    yield path
                yield from walk(path)

        return set(walk(""))

    def options(self, group: str) -> list[str]:
        """Return the options of a group (of "", the primary configurations), without the parts that they share."""
        return [name for name in self._names(group, ObjectType.CONFIG) if not name.startswith("_")]

    def read(self, name: str) -> ConfigResult | None:
        """Read the file of an option (data/csv) or of a primary configuration; None where there is no such file."""
        source = next((source for source in self._sources if source.is_config(name)), None)
        return None if source is None else source.load_config(name)

    def _names(self, group: str, kind: ObjectType) -> list[str]:
        return sorted({name for source in self._sources if source.is_group(group) for name in source.list(group, kind)})
