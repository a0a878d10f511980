"""Changes of stores that are made at once, in one transaction with the catalogue's row.

Each takes a lock on tables that nobody uses yet or any more, or for a moment only; who holds one
of them for long makes the change fail, and not everybody else wait behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from polystore_postgres.kinds import KINDS
from polystore_postgres.names import quote_identifier
from polystore_postgres.schema_vector import ann_index
from polystore_postgres.tables import create_statements
from polystore_postgres.tenants import guard_statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from polystore.specdiff import SpecChange, StoredSpec
    from polystore_postgres.names import Names
    from polystore_postgres.tables import TableIndex

AT_ONCE: Final = frozenset(
    {"create_store", "start_generation", "drop_generation", "drop_store", "rename_store"}
)
LOCK_TIMEOUT: Final = "SET LOCAL lock_timeout = '10s'"


def statements_at_once(
    stored: StoredSpec, change: SpecChange, names: Names, *, guarded: bool
) -> list[str]:
    """Return what a change whose action is one of `AT_ONCE` sends.

    Args:
        stored: What is true once it is done; for `drop_store` what was.
        change: What to do.
        names: The names in the schema.
        guarded: Whether new tables get row-level security.
    """
    if change.action == "create_store":
        return creation(stored, names, guarded=guarded)
    if change.action == "start_generation":
        return creation(stored.numbered(int(change.subject[0])), names, guarded=guarded)
    if change.action == "drop_generation":
        return _dropping(stored.numbered(int(change.subject[0])), names)
    if change.action == "drop_store":
        return [text for one in stored.every_generation() for text in _dropping(one, names)]
    return [
        text
        for one in stored.every_generation()
        for text in _renaming(one, change.subject[0], names)
    ]


def creation(stored: StoredSpec, names: Names, *, guarded: bool) -> list[str]:
    """Return the statements that make a store."""
    schema = KINDS[stored.spec.kind].load_schema()
    guards = guard_statements(stored, names) if guarded else []
    return create_statements(schema, stored, names) + guards


def _dropping(stored: StoredSpec, names: Names) -> list[str]:
    # Partitions, indexes and policies go with their table.
    prefixes = KINDS[stored.spec.kind].prefixes
    return [f"DROP TABLE IF EXISTS {names.table(prefix, stored)}" for prefix in reversed(prefixes)]


def _renaming(stored: StoredSpec, old: str, names: Names) -> Iterator[str]:
    """Yield what renames tables, partitions and indexes; where there is no such index, nothing."""
    kind = KINDS[stored.spec.kind]
    before = stored.named(old)
    for was, now in zip(kind.tables(before, names), kind.tables(stored, names), strict=True):
        yield f"ALTER TABLE {names.qualify(was)} RENAME TO {quote_identifier(now)}"
    for was, now in zip(_indexes(before, names), _indexes(stored, names), strict=True):
        yield from _renaming_index(was, now, names)


def _indexes(stored: StoredSpec, names: Names) -> list[TableIndex]:
    """Return every index that a store may have, also those that come when it has rows."""
    found = KINDS[stored.spec.kind].load_schema().indexes(stored, names)
    ann = ann_index(stored, names) if stored.spec.kind == "vector" else None
    return [*found, ann.index()] if ann is not None and ann.deferred else found


def _renaming_index(was: TableIndex, now: TableIndex, names: Names) -> Iterator[str]:
    yield f"ALTER INDEX IF EXISTS {names.qualify(was.name)} RENAME TO {quote_identifier(now.name)}"
    for part, part_now in zip(was.parts, now.parts, strict=True):
        yield from _renaming_index(part, part_now, names)
