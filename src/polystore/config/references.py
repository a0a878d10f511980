"""Checks that the names in a configuration refer to something that it declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from polystore.config.origin import show_path
from polystore.config.problems import suggestion

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from polystore.config.origin import KeyPath
    from polystore.config.problems import Problems
    from polystore.specs import StoreSpec


def check_backend_names(
    data: Mapping[str, Any],
    stores: Mapping[str, StoreSpec],
    backends: Collection[str],
    problems: Problems,
) -> None:
    """Report defaults and stores that name an undeclared backend, and stores that have none."""
    defaults = _mapping(data, "defaults")
    for kind, name in defaults.items():
        if isinstance(name, str) and name not in backends:
            _undeclared(("defaults", kind), "backend", name, backends, problems)
    for store, spec in stores.items():
        if spec.backend is not None and spec.backend not in backends:
            _undeclared(("stores", store, "backend"), "backend", spec.backend, backends, problems)
        elif spec.backend is None and spec.kind not in defaults and len(backends) > 1:
            problems.add(
                ("stores", store),
                f"{show_path(('stores', store))} names no backend and `defaults` has none for "
                f"{spec.kind}; add `backend:` to it or `{spec.kind}:` to `defaults`",
            )


def check_store_names(data: Mapping[str, Any], stores: Collection[str], problems: Problems) -> None:
    """Report requirements and relations of stores that are not declared."""
    for store in _mapping(data, "require"):
        if store not in stores:
            _undeclared(("require", store), "store", store, stores, problems)
    for store, fields in _mapping(data, "relations").items():
        if store not in stores:
            _undeclared(("relations", store), "store", store, stores, problems)
        for name, target in _mapping({"": fields}, "").items():
            if isinstance(target, str) and target not in stores:
                _undeclared(("relations", store, name), "store", target, stores, problems)


def _mapping(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _undeclared(
    path: KeyPath, what: str, name: str, known: Collection[str], problems: Problems
) -> None:
    shown = "named here" if path in problems.origin.substituted else ascii(name)
    hint = suggestion(name, known) or "none is declared"
    problems.add(path, f"{show_path(path)}: the {what} {shown} is not declared; {hint}")
