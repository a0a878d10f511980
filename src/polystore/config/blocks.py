"""The blocks under `backends:` and `stores:`, each validated by what it says it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from polystore.capabilities import KINDS
from polystore.config.models import RawBackend, backend_name_problem, store_name_problem
from polystore.config.origin import KeyPath, show_path
from polystore.config.problems import suggestion
from polystore.config.validation import Place, validate
from polystore.specs import DocSpec, GraphSpec, KVSpec, StoreSpec, VectorSpec

if TYPE_CHECKING:
    from polystore.config.problems import Problems

SPECS: dict[str, type[StoreSpec]] = {
    "kv": KVSpec,
    "vector": VectorSpec,
    "graph": GraphSpec,
    "doc": DocSpec,
}


def read_backends(value: object, problems: Problems) -> dict[str, RawBackend | None]:
    """Return the backends by name, None for one whose block is wrong and reported."""
    blocks = _block(value, ("backends",), problems)
    if blocks == {}:
        problems.add(("backends",), "backends is empty; declare one, or remove the key")
    return {name: _backend(name, block, problems) for name, block in (blocks or {}).items()}


def read_stores(value: object, problems: Problems) -> dict[str, StoreSpec | None]:
    """Return the stores' specs by name, None for one whose block is wrong and reported."""
    blocks = _block(value, ("stores",), problems) or {}
    return {name: _store(name, block, problems) for name, block in blocks.items()}


def _block(value: object, path: KeyPath, problems: Problems) -> dict[str, Any] | None:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    problems.add(path, f"{show_path(path)} must be a mapping of keys to values")
    return None


def _backend(name: str, value: object, problems: Problems) -> RawBackend | None:
    path = ("backends", name)
    wrong = backend_name_problem(name)
    if wrong:
        problems.add(path, f"{show_path(path)}: {name!a} {wrong}")
    block = _block(value, path, problems)
    if block is None:
        return None
    key = (*path, "use")
    if "use" not in block:
        problems.add(path, f"{show_path(key)} is missing; it names the type of backend")
        return None
    use = block["use"]
    if not isinstance(use, str) or not use:
        problems.add(key, f"{show_path(key)} must be a text; it names the type of backend")
        return None
    settings = {name: setting for name, setting in block.items() if name != "use"}
    return RawBackend(use=use, settings=settings, origin=problems.origin)


def _store(name: str, value: object, problems: Problems) -> StoreSpec | None:
    path = ("stores", name)
    wrong = store_name_problem(name)
    if wrong:
        problems.add(path, f"{show_path(path)}: {name!a} {wrong}")
    block = _block(value, path, problems)
    if block is None:
        return None
    if "name" in block:
        key = (*path, "name")
        problems.add(key, f"{show_path(key)} is not known; a store's name is the key above it")
    model = _model(block, path, problems)
    if model is None or wrong:
        return None
    place = Place(path, problems, problems.origin.substituted)
    return validate(model, {**block, "name": name}, place)


def _model(block: dict[str, Any], path: KeyPath, problems: Problems) -> type[StoreSpec] | None:
    key = (*path, "kind")
    kinds = ", ".join(KINDS)
    if "kind" not in block:
        problems.add(path, f"{show_path(key)} is missing; it is one of {kinds}")
        return None
    kind = block["kind"]
    if isinstance(kind, str) and kind in SPECS:
        return SPECS[kind]
    text = f"{show_path(key)} must be one of {kinds}"
    shown = isinstance(kind, str) and key not in problems.origin.substituted
    near = suggestion(str(kind), KINDS) if shown else ""
    problems.add(key, f"{text}; {near}" if near.endswith("?") else text)
    return None
