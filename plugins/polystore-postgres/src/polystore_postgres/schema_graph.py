"""The tables of a graph store: one of nodes, one of edges.

There are no foreign keys: checking each end of each edge row by row nearly halves the speed of
loading. That an edge always has its end nodes is held by `graph_locks` instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.specs import GraphSpec
from polystore_postgres.fields import columns_for
from polystore_postgres.names import index_name, quote_identifier, quote_literal, short_hash
from polystore_postgres.options import store_options
from polystore_postgres.tables import SYSTEM_COLUMNS, KeyTable, TableIndex, make_index

if TYPE_CHECKING:
    from polystore.specdiff import StoredSpec
    from polystore.specs import FieldOrder
    from polystore_postgres.names import Names

NODE = "node"
EDGE = "edge"


def graph_spec(stored: StoredSpec) -> GraphSpec:
    """Return the spec of a graph store."""
    if not isinstance(stored.spec, GraphSpec):
        raise TypeError(f"store {stored.spec.name} is no graph store")
    return stored.spec


def create_tables(stored: StoredSpec, names: Names) -> list[str]:
    """Return the statements that create the store's tables, without indexes.

    `folded` is the id in one letter case, computed by Python, as what the server's lower() does
    depends on its locale.
    """
    node = key_table(stored, names)
    storage = store_options(stored.spec).storage()
    return [
        f"""\
CREATE TABLE {node.name} (
    workspace text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    folded text COLLATE "C" NOT NULL,
    labels text[] COLLATE "C" NOT NULL,
    properties jsonb NOT NULL,
{SYSTEM_COLUMNS}{node.definitions()},
    PRIMARY KEY (workspace, id)
){storage}""",
        f"""\
CREATE TABLE {names.table(EDGE, stored)} (
    workspace text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    target text COLLATE "C" NOT NULL,
    properties jsonb NOT NULL,
{SYSTEM_COLUMNS},
    PRIMARY KEY (workspace, source, type, target)
){storage}""",
        _trigram_index(stored, names),
    ]


def key_table(stored: StoredSpec, names: Names) -> KeyTable:
    """Return where the store's declared fields are: in the properties of nodes."""
    columns = columns_for(graph_spec(stored).indexed_paths())
    return KeyTable(names.table(NODE, stored), "id", "properties", columns)


def partitions(stored: StoredSpec, names: Names) -> list[str]:  # noqa: ARG001
    """Return []: the tables are in one piece."""
    return []


def indexes(stored: StoredSpec, names: Names) -> list[TableIndex]:
    """Return every index that the store should have besides its primary keys."""
    node, edge = names.bare(NODE, stored), names.bare(EDGE, stored)
    found = [
        make_index(names, edge, "USING btree (workspace, target, type, source)", "target"),
        make_index(names, node, "USING btree (workspace, folded, id)", "folded"),
        make_index(names, node, "USING gin (labels)", "labels"),
    ]
    spec = graph_spec(stored)
    for index, order in zip(spec.indexes, spec.orders(), strict=True):
        columns = ", ".join(_column(part) for part in order)
        definition = f"USING btree (workspace, {columns}, id)"
        found.append(make_index(names, node, definition, str(index)))
    return found


def _trigram_index(stored: StoredSpec, names: Names) -> str:
    """Return the statement that makes the index for typing errors where pg_trgm is installed."""
    index = quote_identifier(index_name(names.bare(NODE, stored), "trigram"))
    statement = f"CREATE INDEX {index} ON {names.table(NODE, stored)} USING gin (folded "
    # No name can contain a mark that is made from it.
    mark = f"$polystore_{short_hash(statement)}$"
    return f"""\
DO {mark}
DECLARE place text;
BEGIN
    SELECT quote_ident(n.nspname) INTO place
    FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
    WHERE e.extname = 'pg_trgm';
    IF place IS NOT NULL THEN
        EXECUTE {quote_literal(statement)} || place || '.gin_trgm_ops)';
    END IF;
END
{mark}"""  # noqa: S608  the name is quoted, the statement too


def _column(part: FieldOrder) -> str:
    path = part.parsed
    name = path.parts[0] if path.meta else columns_for([path])[path]
    return f"{name} DESC" if part.descending else name
