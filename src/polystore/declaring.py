"""What is declared, by file, code and plugins; and what plugins say about what is configured."""

from __future__ import annotations

import importlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from polystore.backend import Backend
from polystore.config import PolystoreConfig, RawBackend
from polystore.config.origin import show_path
from polystore.config.redaction import redact
from polystore.errors import ConfigError, PluginError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.backend import BackendInfo
    from polystore.plugins.registry import Registry
    from polystore.specdiff import Origin
    from polystore.specs import StoreSpec

_log = logging.getLogger("polystore")
_DEFAULT_BACKEND = "main"


@dataclass(frozen=True, slots=True)
class Declared:
    """A store that the configuration, the code or a plugin's store set declares."""

    spec: StoreSpec
    origin: Origin


def named_info(config: PolystoreConfig, name: str, registry: Registry) -> BackendInfo:
    """Return what the plugin says that the block of the backend `name` names with `use:`.

    Raises:
        PluginError: There is no such plugin, or it is broken; the message has file and line.
    """
    raw = config.backends[name]
    try:
        return registry.backend_info(raw.use)
    except PluginError as error:
        path = ("backends", name, "use")
        hidden = path in raw.origin.substituted
        text = f"{raw.origin.where(path)}: {show_path(path)}: {error.message}"
        raise PluginError(
            # What the environment holds is not shown, wherever it was put by mistake.
            redact(text, [raw.use]) if hidden else text,
            hint=redact(error.hint, [raw.use]) if hidden and error.hint else error.hint,
        ) from (None if hidden else error)


def load_backend_class(info: BackendInfo) -> type[Backend[Any]]:
    """Import and return the class that a plugin names.

    Raises:
        PluginError: It cannot be imported or is no Backend.
    """
    module, _, name = info.backend.partition(":")
    try:
        loaded = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise PluginError(
            f"the backend class {info.backend} of plugin {info.name!r} cannot be imported: {error}",
            hint=f"Install its driver: `pip install polystore-{info.name}`",
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Backend)):
        raise PluginError(f"{info.backend} of plugin {info.name!r} is no Backend")
    return cast("type[Backend[Any]]", loaded)


def with_default_backend(config: PolystoreConfig, registry: Registry) -> PolystoreConfig:
    """Return `config`, with the default plugin's backend if it has none."""
    if config.backends:
        return config
    use, info = registry.default_backend()
    if info.default_settings is None:
        raise PluginError(f"the plugin {use!r} offers itself as default but has no settings for it")
    raw = RawBackend(use=use, settings=dict(info.default_settings))
    _log.warning(
        "no backends are configured: using %s (%s) in this folder. `polystore init` writes a file",
        use,
        ", ".join(f"{key}: {value}" for key, value in info.default_settings.items()),
    )
    return config.model_copy(update={"backends": {_DEFAULT_BACKEND: raw}})


def declare(
    config: PolystoreConfig, registry: Registry, specs: Sequence[StoreSpec]
) -> dict[str, Declared]:
    """Return every declared store: of the file, of included sets, of the code; by name.

    A store of the file may stand in for one of a set or of the code that has its name and kind.

    Raises:
        ConfigError: Two of them have one name, and neither stands in for the other.
    """
    declared = {name: Declared(spec, "yaml") for name, spec in config.stores.items()}
    sets = (registry.store_set(name, given) for name, given in config.included.items())
    extra = [spec for specs_of_set in sets for spec in specs_of_set]
    for spec in [*extra, *specs]:
        known = declared.get(spec.name)
        if known is None:
            declared[spec.name] = Declared(spec, "code")
        elif known.spec.kind != spec.kind:
            raise ConfigError(
                f"{spec.name!r} is declared as {known.spec.kind} and as {spec.kind}",
                store=spec.name,
                hint="Rename one of them",
            )
        elif known.origin == "code" and known.spec != spec:
            raise ConfigError(
                "the code or the included sets declare it twice, and not as the same",
                store=spec.name,
                hint="Declare it in the file, which stands in for both, or rename one of them",
            )
    return declared
