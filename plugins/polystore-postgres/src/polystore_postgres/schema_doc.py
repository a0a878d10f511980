"""The table of a document store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.errors import PolystoreError
from polystore.specs import DocSpec
from polystore_postgres.fields import columns_for
from polystore_postgres.names import key_column
from polystore_postgres.options import store_options
from polystore_postgres.tables import SYSTEM_COLUMNS, KeyTable, TableIndex, make_index

if TYPE_CHECKING:
    from polystore.filters import Path
    from polystore.specdiff import StoredSpec
    from polystore.specs import FieldOrder
    from polystore_postgres.names import Names


def doc_spec(stored: StoredSpec) -> DocSpec:
    """Return the spec, which is that of a document store."""
    if isinstance(stored.spec, DocSpec):
        return stored.spec
    raise PolystoreError(f"{stored.spec.name!r} is no document store", store=stored.spec.name)


def create_tables(stored: StoredSpec, names: Names) -> list[str]:
    """Return the statement that creates the table."""
    table = _table(stored, names)
    return [
        f"""CREATE TABLE {table.name} (
    workspace text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    data jsonb NOT NULL,
{SYSTEM_COLUMNS}{table.definitions()},
    PRIMARY KEY (workspace, id)
){store_options(stored.spec).storage()}"""
    ]


def key_table(stored: StoredSpec, names: Names) -> KeyTable | None:
    """Return where the declared fields are."""
    return _table(stored, names)


def partitions(stored: StoredSpec, names: Names) -> list[str]:  # noqa: ARG001
    """Return []: the tables are in one piece."""
    return []


def indexes(stored: StoredSpec, names: Names) -> list[TableIndex]:
    """Return an index for each declared one; the id comes last, as in every order."""
    table = names.bare("doc", stored)
    spec = doc_spec(stored)
    return [
        make_index(names, table, f"USING btree (workspace, {_columns(order)}id)", str(index))
        for index, order in zip(spec.indexes, spec.orders(), strict=True)
    ]


def _table(stored: StoredSpec, names: Names) -> KeyTable:
    columns = columns_for(doc_spec(stored).indexed_paths())
    return KeyTable(names.table("doc", stored), "id", "data", columns)


def _columns(order: tuple[FieldOrder, ...]) -> str:
    parts = [f"{_column(part.parsed)}{' DESC' if part.descending else ''}, " for part in order]
    return "".join(parts)


def _column(path: Path) -> str:
    return path.parts[0] if path.meta else key_column(path)
