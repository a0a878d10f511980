"""Finding, loading and checking plugins: only those that a configuration names."""

from __future__ import annotations

import difflib
import sys
from functools import cache, lru_cache
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pluggy

from polystore.backend import CONTRACT_VERSION, BackendInfo
from polystore.errors import ConfigError, PluginError
from polystore.plugins import hookspecs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore.sources import SourceInfo
    from polystore.specs import StoreSpec

GROUP = "polystore"
DEFAULT_GROUP = "polystore.default"
FOREIGN_DISTRIBUTION = "polystore"


class Registry:
    """The plugins of this process, loaded as they are asked for."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager("polystore")
        self._manager.add_hookspecs(hookspecs)
        self._infos: dict[str, BackendInfo] = {}

    def backend_info(self, use: str) -> BackendInfo:
        """Return what the plugin called `use` says about its backends.

        Raises:
            PluginError: There is none or more than one, it cannot be imported, or it breaks the
                contract.
        """
        if use not in self._infos:
            plugin = self._load(use)
            try:
                results: list[object] = self._hooks(plugin).polystore_backends()
            except Exception as error:
                raise PluginError(
                    f"the plugin {use!r} fails to tell about its backend: {error!r}",
                    hint="Reinstall or remove that package",
                ) from error
            self._infos[use] = _checked_info(use, results)
        return self._infos[use]

    def brings_backend(self, name: str) -> bool:
        """Whether `name` can stand behind `use:`; a plugin may bring something else alone.

        Raises:
            PluginError: There is no such plugin, or it is broken.
        """
        plugin = self._load(name)
        others = ("polystore_store_sets", "polystore_sources")
        return hasattr(plugin, "polystore_backends") or not any(
            hasattr(plugin, other) for other in others
        )

    def default_backend(self) -> tuple[str, BackendInfo]:
        """Return the plugin that serves an application without a configuration.

        Raises:
            PluginError: None, or more than one, is installed.
        """
        names = sorted({entry.name for entry in _entries(DEFAULT_GROUP)})
        if len(names) != 1:
            raise PluginError(
                f"no configuration is given, and {len(names)} plugins offer themselves as default",
                hint="Install polystore-core[embedded], or write a configuration: `polystore init`",
            )
        return names[0], self.backend_info(names[0])

    def store_set(
        self, name: str, settings: Mapping[str, Any] | None = None
    ) -> Sequence[StoreSpec]:
        """Return the stores that the plugin called `name` brings for `include: [name]`.

        Args:
            name: Of the plugin, and of the set.
            settings: What the configuration says about the set.

        Raises:
            PluginError: There is no such plugin, or it brings no set of that name, or one that
                takes no settings although some are given.
            ConfigError: The settings are not what the set takes.
        """
        hook = self._hooks(self._load(name)).polystore_store_sets
        if settings and not any("settings" in impl.argnames for impl in hook.get_hookimpls()):
            raise PluginError(
                f"the set of stores {name!r} takes no settings",
                hint=f"Write include: [{name}]",
            )
        results: list[object] = hook(settings=settings or {})
        for result in results:
            sets = cast("Mapping[str, Sequence[StoreSpec]]", result)
            if name in sets:
                return sets[name]
        raise PluginError(f"the plugin {name!r} brings no set of stores called {name!r}")

    def source(self, name: str) -> SourceInfo:
        """Return what `polystore migrate-from name` reads, as the plugin called `name` says.

        Raises:
            PluginError: There is no such plugin, or it brings no source of that name.
        """
        results: list[object] = self._hooks(self._load(name)).polystore_sources()
        for result in results:
            sources = cast("Mapping[str, SourceInfo]", result)
            if name in sources:
                return sources[name]
        raise PluginError(f"the plugin {name!r} brings nothing to migrate from")

    def _hooks(self, plugin: object) -> Any:
        others = [other for other in self._manager.get_plugins() if other is not plugin]
        return _Hooks(self._manager, others)

    def _load(self, name: str) -> object:
        refuse_foreign_distribution()
        plugin = self._manager.get_plugin(name)
        if plugin is not None:
            return plugin
        entry = find_entry_point(name)
        try:
            plugin = entry.load()
        except Exception as error:
            raise PluginError(
                f"the plugin {name!r} ({_owner(entry)}) cannot be imported: {error!r}",
                hint="Reinstall or remove that package",
            ) from error
        try:
            self._manager.register(plugin, name)
            self._manager.check_pending()
        except (ValueError, pluggy.PluginValidationError) as error:
            if self._manager.is_registered(plugin):
                self._manager.unregister(plugin)
            raise PluginError(
                f"the plugin {name!r} ({_owner(entry)}) breaks the contract: {error}",
                hint="It was written for another version of polystore, or a hook is misspelt",
            ) from error
        return plugin


class _Hooks:
    """Calls hooks of one plugin only."""

    def __init__(self, manager: pluggy.PluginManager, others: list[object]) -> None:
        self._manager = manager
        self._others = others

    def __getattr__(self, name: str) -> Any:
        return self._manager.subset_hook_caller(name, remove_plugins=self._others)


def installed_plugins() -> list[str]:
    """Return the names of the plugins that are here, in order, without loading any."""
    return sorted({entry.name for entry in _entries(GROUP)})


def plugin_distributions() -> list[tuple[str, str, list[str]]]:
    """Return name, version and `use:` values of every distribution with plugins; loads none."""
    found: dict[tuple[str, str], set[str]] = {}
    for entry in _entries(GROUP):
        if entry.dist is not None:
            found.setdefault((entry.dist.name, entry.dist.version), set()).add(entry.name)
    return [(name, number, sorted(uses)) for (name, number), uses in sorted(found.items())]


def find_entry_point(name: str) -> EntryPoint:
    """Return the one entry point called `name`.

    Raises:
        PluginError: No distribution, or several, register that name.
    """
    found = {(_owner(entry), entry.value): entry for entry in _entries(GROUP) if entry.name == name}
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        owners = ", ".join(sorted(owner for owner, _ in found))
        raise PluginError(
            f"several distributions bring a plugin called {name!r}: {owners}",
            hint="Uninstall all but one of them",
        )
    names = installed_plugins()
    near = difflib.get_close_matches(name, names, n=1)
    guess = f"Did you mean {near[0]!r}? " if near else ""
    raise PluginError(
        f"no plugin called {name!r} is installed",
        hint=f"{guess}Installed: {', '.join(names) or 'none'}. "
        f"Perhaps `pip install polystore-{name}` brings it",
    )


def _entries(group: str) -> tuple[EntryPoint, ...]:
    """Return the entry points of a group.

    To find them the files of every distribution are read: not again while nothing was installed or
    removed in the folders of `sys.path`.
    """
    return _read_entries(group, tuple((path, _changed(path)) for path in sys.path))


@lru_cache(maxsize=8)
def _read_entries(group: str, folders: tuple[tuple[str, int], ...]) -> tuple[EntryPoint, ...]:  # noqa: ARG001 - what the cache goes by
    return tuple(entry_points(group=group))


def _changed(path: str) -> int:
    """Return when something was last added to a folder, or removed; 0 where there is none."""
    try:
        return Path(path or ".").stat().st_mtime_ns
    except (OSError, ValueError):  # a name that cannot be, e.g. with a null character
        return 0


@cache
def refuse_foreign_distribution() -> None:
    """Raise ConfigError if an unrelated distribution that installs our folder is present."""
    try:
        foreign = distribution(FOREIGN_DISTRIBUTION)
    except PackageNotFoundError:
        return
    raise ConfigError(
        f"the distribution polystore {foreign.version}, which is another project, is installed "
        "and overwrites files of polystore-core",
        hint="Run `pip uninstall polystore`, then `pip install --force-reinstall polystore-core`",
    )


def _owner(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.value


def _checked_info(use: str, results: Sequence[object]) -> BackendInfo:
    if len(results) != 1 or not isinstance(results[0], BackendInfo):
        raise PluginError(
            f"the plugin {use!r} has no backend: polystore_backends() must return one BackendInfo"
        )
    info = results[0]
    if info.contract != CONTRACT_VERSION:
        raise PluginError(
            f"the plugin {use!r} is written for contract version {info.contract}, "
            f"this polystore-core has {CONTRACT_VERSION}",
            hint="Install versions of both that fit",
        )
    if info.name != use:
        raise PluginError(f"the plugin {use!r} calls its backend {info.name!r}")
    return info
