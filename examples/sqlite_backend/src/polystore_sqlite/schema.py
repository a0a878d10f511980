"""The tables: a layout for all stores, and what each store adds."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from polystore.specs import DocSpec, GraphSpec
from polystore_sqlite.filters import sort_key_of

if TYPE_CHECKING:
    from polystore.specdiff import SpecChange, StoredSpec
    from polystore.specs import FieldOrder

VERSION = 1
LAYOUT = (
    "CREATE TABLE polystore_stores (name TEXT PRIMARY KEY, spec TEXT, generation INT, origin TEXT)",
    "CREATE TABLE polystore_clock (version INTEGER)",
    "INSERT INTO polystore_clock VALUES (0)",
    f"PRAGMA user_version = {VERSION}",
)

_EXTRA = {
    "kv": ", expires TEXT",
    "doc": "",
    "vector": ", vector BLOB, text TEXT",
    "graph": ", labels TEXT, folded TEXT",
}


def table_of(stored: StoredSpec) -> str:
    """Return the name of a store's table. Store names are plain identifiers."""
    return f"{stored.spec.kind}_{stored.spec.name}_{stored.generation}"


def statements_of(stored: StoredSpec) -> tuple[str, ...]:
    """Return what makes a store's tables and indexes where they are not there yet."""
    table, spec = table_of(stored), stored.spec
    made = [
        f"CREATE TABLE IF NOT EXISTS {table} (n INTEGER PRIMARY KEY, workspace TEXT NOT NULL, "
        "id TEXT NOT NULL, body NOT NULL, version INTEGER NOT NULL, created TEXT NOT NULL, "
        f"updated TEXT NOT NULL{_EXTRA[spec.kind]}, UNIQUE (workspace, id))"
    ]
    if spec.kind == "kv":
        made.append(
            f"CREATE INDEX IF NOT EXISTS {table}_expires ON {table} (expires) "
            "WHERE expires IS NOT NULL"
        )
    if spec.kind == "vector":
        made += _searchable(table, "text", "unicode61 remove_diacritics 0 tokenchars _")
    if spec.kind == "graph":
        made += _searchable(table, "folded", "trigram case_sensitive 1")
        made += _edges(f"{table}_edges")
    if isinstance(spec, DocSpec | GraphSpec):
        made += [_index(table, index) for index in spec.orders()]
    return tuple(made)


def change_statements(stored: StoredSpec, change: SpecChange) -> tuple[str, ...]:
    """Return what a change sends, each safe to repeat; the catalogue's row comes on top of it."""
    if change.action == "start_generation":
        return statements_of(stored.numbered(int(change.subject[0])))
    if change.action == "drop_generation":
        return _dropping(stored.numbered(int(change.subject[0])))
    if change.action == "drop_store":
        return tuple(text for one in stored.every_generation() for text in _dropping(one))
    if change.action == "rename_store":
        before = stored.named(change.subject[0])
        pairs = zip(before.every_generation(), stored.every_generation(), strict=True)
        return tuple(text for was, now in pairs for text in _renaming(was, now))
    return statements_of(stored) if change.action in {"create_store", "add_index"} else ()


def _parts(stored: StoredSpec) -> list[str]:
    """Return what a store's tables are called after the store's own part."""
    return {"vector": ["", "_fts"], "graph": ["", "_fts", "_edges"]}.get(stored.spec.kind, [""])


def _dropping(stored: StoredSpec) -> tuple[str, ...]:
    # Triggers and indexes go with their table.
    table = table_of(stored)
    return tuple(f"DROP TABLE IF EXISTS {table}{part}" for part in _parts(stored))


def _renaming(was: StoredSpec, now: StoredSpec) -> list[str]:
    """Return what renames the tables and makes indexes and triggers anew, under their new names."""
    old, new = table_of(was), table_of(now)
    triggers = [f"DROP TRIGGER IF EXISTS {old}_{what}" for what in ("added", "gone", "changed")]
    indexes = [f"{old}_expires", f"{old}_edges_in"]
    if isinstance(was.spec, DocSpec | GraphSpec):
        indexes += [_index_name(old, index) for index in was.spec.orders()]
    return [
        *triggers,
        *(f"DROP INDEX IF EXISTS {name}" for name in indexes),
        *(f"ALTER TABLE {old}{part} RENAME TO {new}{part}" for part in _parts(was)),
        *statements_of(now),
    ]


def _index_name(table: str, index: tuple[FieldOrder, ...]) -> str:
    return f"{table}_by_{sha256(repr(index).encode()).hexdigest()[:16]}"


def _index(table: str, index: tuple[FieldOrder, ...]) -> str:
    keys = [sort_key_of(part.parsed) + (" DESC" if part.descending else "") for part in index]
    return (
        f"CREATE INDEX IF NOT EXISTS {_index_name(table, index)} ON {table} "
        f"(workspace, {', '.join(keys)}, id)"
    )


def _searchable(table: str, column: str, tokenizer: str) -> list[str]:
    """Return a full-text index of a column, kept by triggers."""
    add = f"INSERT INTO {table}_fts (rowid, {column}) VALUES (new.n, new.{column})"
    remove = f"DELETE FROM {table}_fts WHERE rowid = old.n"
    return [
        f"CREATE VIRTUAL TABLE IF NOT EXISTS {table}_fts USING fts5 ({column}, content = '', "
        f"contentless_delete = 1, tokenize = '{tokenizer}')",
        f"CREATE TRIGGER IF NOT EXISTS {table}_added AFTER INSERT ON {table} BEGIN {add}; END",
        f"CREATE TRIGGER IF NOT EXISTS {table}_gone AFTER DELETE ON {table} BEGIN {remove}; END",
        f"CREATE TRIGGER IF NOT EXISTS {table}_changed AFTER UPDATE OF {column} ON {table} "
        f"WHEN old.{column} IS NOT new.{column} BEGIN {remove}; {add}; END",
    ]


def _edges(table: str) -> list[str]:
    return [
        f"CREATE TABLE IF NOT EXISTS {table} (workspace TEXT, source TEXT, type TEXT, target TEXT, "
        "body TEXT NOT NULL, version INTEGER NOT NULL, created TEXT NOT NULL, "
        "updated TEXT NOT NULL, PRIMARY KEY (workspace, source, type, target)) WITHOUT ROWID",
        f"CREATE INDEX IF NOT EXISTS {table}_in ON {table} (workspace, target, type, source)",
    ]
