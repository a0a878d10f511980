"""What should be there and is not: indexes, after a build that was cut off; policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.types.reports import Change
from polystore_postgres import vector_index
from polystore_postgres.kinds import KINDS
from polystore_postgres.online import add_indexes, index_states
from polystore_postgres.schema_vector import VECTOR, ann_index
from polystore_postgres.tenants import guard, guard_statements, unguarded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.specdiff import StoredSpec
    from polystore_postgres.names import Names
    from polystore_postgres.pool import Pool
    from polystore_postgres.schema_vector import AnnIndex
    from polystore_postgres.tables import TableIndex


async def find_repairs(pool: Pool, names: Names, stored: Sequence[StoredSpec]) -> list[Change]:
    """Return a change for every index that is missing or invalid, and every missing policy.

    Args:
        pool: An open pool.
        names: The names in the schema.
        stored: The stores that exist.
    """
    changes: list[Change] = []
    for store in stored:
        if pool.config.row_level_security and await unguarded(pool, store, names):
            changes.append(_guarding(pool.backend, names, store))
        missing = await _missing(pool, names, store)
        ann = _ann(store, names)
        table = names.table(VECTOR, store)
        if ann is not None and await vector_index.is_due(pool, ann, table):
            missing.append(ann.index())
        changes += [
            Change(
                backend=pool.backend,
                store=store.spec.name,
                action="build_index",
                summary=f"build the missing index {index.name} of store {store.spec.name}",
                statements=tuple(index.online(names.quoted)),
            )
            for index in missing
        ]
    return changes


async def repair(pool: Pool, names: Names, stored: Sequence[StoredSpec]) -> None:
    """Carry out what `find_repairs` finds; reads and writes go on meanwhile."""
    for store in stored:
        if pool.config.row_level_security and await unguarded(pool, store, names):
            async with pool.admin() as connection:
                await guard(connection, store, names)
        missing = await _missing(pool, names, store)
        if missing:
            async with pool.admin() as connection:
                await add_indexes(connection, names, missing)
        ann = _ann(store, names)
        if ann is not None:
            await vector_index.ensure_index(pool, ann, names.table(VECTOR, store))


def _guarding(backend: str, names: Names, stored: StoredSpec) -> Change:
    return Change(
        backend=backend,
        store=stored.spec.name,
        action="guard_rows",
        summary=f"turn on row-level security of store {stored.spec.name}",
        statements=tuple(guard_statements(stored, names)),
    )


async def _missing(pool: Pool, names: Names, stored: StoredSpec) -> list[TableIndex]:
    """Return what is missing, but for the index for nearness, which has a module of its own."""
    indexes = KINDS[stored.spec.kind].load_schema().indexes(stored, names)
    ann = _ann(stored, names)
    own = None if ann is None else ann.index().name
    async with pool.acquire() as connection:
        usable = await index_states(connection, names, indexes)
    return [index for index in indexes if index.name != own and not usable.get(index.name)]


def _ann(stored: StoredSpec, names: Names) -> AnnIndex | None:
    return ann_index(stored, names) if stored.spec.kind == "vector" else None
