"""The tables of a graph store: one of nodes, one of edges.

There are no foreign keys: checking each end of each edge row by row nearly halves the speed of
loading. That an edge always has its end nodes is held by `graph_locks` instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.specs import GraphSpec
from polystore_postgres.fields import columns_for
from polystore_postgres.names import quote_identifier
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
)""",
        f"""\
CREATE TABLE {names.table(EDGE, stored)} (
    workspace text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    target text COLLATE "C" NOT NULL,
    properties jsonb NOT NULL,
{SYSTEM_COLUMNS},
    PRIMARY KEY (workspace, source, type, target)
)""",
    ]


def key_table(stored: StoredSpec, names: Names) -> KeyTable:
    """Return where the store's declared fields are: in the properties of nodes."""
    columns = columns_for(graph_spec(stored).indexed_paths())
    return KeyTable(names.table(NODE, stored), "id", "properties", columns)


def indexes(stored: StoredSpec, names: Names) -> list[TableIndex]:
    """Return every index that the store should have besides its primary keys."""
    node, edge = names.bare(NODE, stored), names.bare(EDGE, stored)
    found = [
        make_index(names, edge, "USING btree (workspace, target, type, source)"),
        make_index(names, node, "USING btree (workspace, folded, id)"),
        make_index(names, node, "USING gin (labels)"),
    ]
    for order in graph_spec(stored).orders():
        columns = ", ".join(_column(part) for part in order)
        what = "_".join(("-" if part.descending else "") + str(part.parsed) for part in order)
        found.append(make_index(names, node, f"USING btree (workspace, {columns}, id)", what))
    return found


def trigram_index(stored: StoredSpec, names: Names, extension_schema: str) -> TableIndex:
    """Return the index for label search where pg_trgm is installed, in `extension_schema`."""
    operators = f"{quote_identifier(extension_schema)}.gin_trgm_ops"
    return make_index(
        names, names.bare(NODE, stored), f"USING gin (folded {operators})", "folded_trigram"
    )


def _column(part: FieldOrder) -> str:
    path = part.parsed
    name = path.parts[0] if path.meta else columns_for([path])[path]
    return f"{name} DESC" if part.descending else name
