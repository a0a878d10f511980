"""Which polystore configuration an instance of LightRAG uses."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRONMENT_VARIABLE: Final = "POLYSTORE_CONFIG"
ARGUMENT: Final = "polystore_config"
"""The key in LightRAG's `vector_db_storage_cls_kwargs` that names one instance's configuration."""

Source: TypeAlias = "Path | Mapping[str, Any] | None"
_default: dict[str, Source] = {}


def set_default(config: str | Path | Mapping[str, Any]) -> None:
    """Use `config` for instances that are told nothing else."""
    _default["config"] = _absolute(config)


def source_of(global_config: Mapping[str, Any]) -> Source:
    """Return the configuration of an instance.

    It is what the instance was given, else what `register` was given, else the file that the
    environment names, else `./polystore.yaml` if it exists, else the embedded default.
    """
    given = cast("dict[str, Any]", global_config.get("vector_db_storage_cls_kwargs") or {})
    named = given.get(ARGUMENT) or _default.get("config") or os.environ.get(ENVIRONMENT_VARIABLE)
    if named:
        return _absolute(named)
    file = Path("polystore.yaml")
    return file.absolute() if file.exists() else None


def _absolute(config: str | Path | Mapping[str, Any]) -> Path | Mapping[str, Any]:
    # The process may change its folder before the file is read.
    return Path(config).absolute() if isinstance(config, str | Path) else config
