"""Rows that name, in a field, a row of another store that is not there.

Both sides are read a page at a time, so that memory is bounded by the page and not by the stores.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from polystore import tenants
from polystore.capabilities import Feature
from polystore.errors import PolystoreError
from polystore.filters.path import parse_path
from polystore.stores.doc import DocStore
from polystore.stores.graph import GraphStore
from polystore.stores.kv import KVStore
from polystore.types.names import check_key
from polystore.types.reports import Finding

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from polystore.filters import Path
    from polystore.runtime import Runtime
    from polystore.tenants import AnyStore

_ROWS: Final = 500
"""Rows that are looked at together."""
_NAMED: Final = 10
"""How many orphans are named; all are counted."""
Row: TypeAlias = tuple[str, Any]
"""An id, and what the field is looked for in."""


@dataclass(slots=True)
class _Relation:
    """A declared relation, and what was found of it so far."""

    source: str
    path: Path
    target: str
    rows: int = 0
    orphans: int = 0
    first: list[str] = field(default_factory=list[str])


async def orphans(runtime: Runtime) -> list[Finding]:
    """Return a finding for each relation that the configuration declares.

    What is written meanwhile is no orphan: one that is found is read again before it counts.
    """
    found: list[Finding] = []
    for source, fields in runtime.config.relations.items():
        for name, target in fields.items():
            relation = _Relation(source, parse_path(name), target)
            found.append(await _examined(runtime, relation))
    return found


async def _examined(runtime: Runtime, relation: _Relation) -> Finding:
    backend = runtime.config.backend_of(runtime.declared[relation.source].spec)
    try:
        for workspace in await tenants.workspaces(runtime, available=False):
            source = await _handle(runtime, workspace, relation.source)
            target = await _handle(runtime, workspace, relation.target)
            if source is not None and target is not None:
                await _compare(relation, workspace, source, target)
    except PolystoreError as error:
        text = f"relation {relation.path} to {relation.target} cannot be looked at: {error.message}"
        return Finding(backend, "orphans", "error", text, relation.source, error.hint)
    return _finding(backend, relation)


def _finding(backend: str, relation: _Relation) -> Finding:
    def told(severity: Any, text: str, action: str | None = None) -> Finding:
        return Finding(backend, "orphans", severity, text, relation.source, action)

    if not relation.orphans:
        text = f"all {relation.rows} rows name in {relation.path} what {relation.target} has"
        return told("ok", text)
    more = ", ..." if relation.orphans > len(relation.first) else ""
    return told(
        "warning",
        f"{relation.orphans} of {relation.rows} rows name in {relation.path} what "
        f"{relation.target} has not: {', '.join(relation.first)}{more}",
        f"Delete them, or store again what they name in {relation.target}",
    )


async def _handle(runtime: Runtime, workspace: str, name: str) -> AnyStore | None:
    """Return a handle that reads what all have written; None where the store is not there yet."""
    backend = runtime.config.backend_of(runtime.declared[name].spec)
    for handle in await tenants.handles(runtime, workspace, backend):
        if handle.name == name:
            strong = Feature.STRONG_READS in (await handle.capabilities()).features
            return handle.with_options(consistency="strong") if strong else handle
    return None


async def _compare(relation: _Relation, workspace: str, source: AnyStore, target: AnyStore) -> None:
    batch: list[Row] = []
    async for row in _rows(source):
        batch.append(row)
        if len(batch) == _ROWS:
            await _look(relation, workspace, source, target, batch)
            batch = []
    await _look(relation, workspace, source, target, batch)


async def _look(
    relation: _Relation, workspace: str, source: AnyStore, target: AnyStore, batch: list[Row]
) -> None:
    named = {id_: _named(relation.path, data) for id_, data in batch}
    relation.rows += sum(value is not None for value in named.values())
    missing = await _missing(target, named.values())
    suspects = [id_ for id_, values in named.items() if values and not missing.isdisjoint(values)]
    # Read again: both may have been deleted together, between the two looks.
    now = {id_: _named(relation.path, data) for id_, data in await _again(source, suspects)}
    for id_ in suspects:
        if not missing.isdisjoint(now.get(id_) or ()):
            relation.orphans += 1
            if len(relation.first) < _NAMED:
                relation.first.append(f"{workspace}/{id_}")


def _named(path: Path, data: Any) -> list[str] | None:
    """Return the ids that a field names, one or an array of them; None where it names nothing."""
    for part in path.parts:
        if not isinstance(data, dict) or part not in data:
            return None
        data = data[part]  # pyright: ignore[reportUnknownVariableType]
    if data is None:
        return None
    return [value if isinstance(value, str) else repr(value) for value in _several(data)]


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType]


async def _missing(target: AnyStore, named: Iterable[list[str] | None]) -> set[str]:
    """Return those of the named ids that `target` has not; what is no id it cannot have."""
    wanted = list(dict.fromkeys(id_ for ids in named for id_ in ids or ()))
    possible = [id_ for id_ in wanted if _is_id(id_)]
    there = {id_ for id_, _ in await _again(target, possible)}
    return set(wanted) - there


def _is_id(text: str) -> bool:
    try:
        check_key(text)
    except PolystoreError:
        return False
    return True


async def _rows(store: AnyStore) -> AsyncIterator[Row]:
    if isinstance(store, KVStore):
        async for entry in store.scan(batch=_ROWS):
            yield entry.key, entry.value
    elif isinstance(store, DocStore):
        async for document in store.scan(batch=_ROWS):
            yield document.id, document.data
    elif isinstance(store, GraphStore):
        async for node in store.scan_nodes(batch=_ROWS):
            yield node.id, node.properties
    else:
        async for record in store.scan(with_vectors=False, batch=_ROWS):
            yield record.id, record.metadata


async def _again(store: AnyStore, ids: list[str]) -> list[Row]:
    """Return those of `ids` that are there, read at once."""
    if not ids:
        return []
    if isinstance(store, KVStore):
        return [(entry.key, entry.value) for entry in await store.get_entries(ids) if entry]
    if isinstance(store, DocStore):
        return [(found.id, found.data) for found in await store.get_many(ids) if found]
    if isinstance(store, GraphStore):
        return [(node.id, node.properties) for node in await store.get_nodes(ids) if node]
    records = await store.get_many(ids, with_vectors=False)
    return [(record.id, record.metadata) for record in records if record]
