"""Makes LightRAG know the four storages, and the one place where versions are compared."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

from polystore.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DISTRIBUTION: Final = "lightrag-hku"
OLDEST: Final = (1, 4, 16)
TOO_NEW: Final = (1, 6)
STORAGES: Final[dict[str, str]] = {
    "kv_storage": "PolystoreKVStorage",
    "vector_storage": "PolystoreVectorStorage",
    "graph_storage": "PolystoreGraphStorage",
    "doc_status_storage": "PolystoreDocStatusStorage",
}
"""The arguments of `LightRAG(...)` that choose these storages."""

_MODULES: Final = {
    "kv_storage": ("KV_STORAGE", "polystore_lightrag.kv"),
    "vector_storage": ("VECTOR_STORAGE", "polystore_lightrag.vector"),
    "graph_storage": ("GRAPH_STORAGE", "polystore_lightrag.graph"),
    "doc_status_storage": ("DOC_STATUS_STORAGE", "polystore_lightrag.doc_status"),
}


def register(config: str | Path | Mapping[str, Any] | None = None) -> None:
    """Tell LightRAG about the four storages; safe to call again.

    Args:
        config: What instances use that are told nothing else: a YAML file or a mapping of the
            same shape. None leaves it to `POLYSTORE_CONFIG`.

    Raises:
        ConfigError: The installed LightRAG is none that the storages were written for.
    """
    check_version()
    from lightrag.kg import STORAGE_ENV_REQUIREMENTS, STORAGE_IMPLEMENTATIONS
    from lightrag.kg import STORAGES as LIGHTRAG_STORAGES

    from polystore_lightrag import settings

    for argument, name in STORAGES.items():
        kind, module = _MODULES[argument]
        known: Any = STORAGE_IMPLEMENTATIONS[kind]["implementations"]
        if name not in known:
            known.append(name)
        LIGHTRAG_STORAGES[name] = module
        STORAGE_ENV_REQUIREMENTS[name] = []
    if config is not None:
        settings.set_default(config)


def check_version() -> None:
    """Refuse a LightRAG that the storages were not written for.

    Raises:
        ConfigError: It is missing, older or newer.
    """
    wanted = f"{DISTRIBUTION}>={_text(OLDEST)},<{_text(TOO_NEW)}"
    try:
        found = version(DISTRIBUTION)
    except PackageNotFoundError as error:
        raise ConfigError(
            "LightRAG is not installed", hint=f"Run `pip install '{wanted}'`"
        ) from error
    if not OLDEST <= _numbers(found) < TOO_NEW:
        raise ConfigError(
            f"polystore-lightrag was not written for LightRAG {found}",
            hint=f"Run `pip install '{wanted}'`, or install a polystore-lightrag that fits",
        )


def _numbers(text: str) -> tuple[int, ...]:
    numbers: list[int] = []
    for part in text.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)


def _text(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))
