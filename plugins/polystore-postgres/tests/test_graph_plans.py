"""Reads that are promised to be cheap, and writes, use their indexes on 50,000 edges."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

from polystore.filters import F
from polystore.specdiff import StoredSpec
from polystore.specs import GraphSpec
from polystore.stores.queries import FindQuery
from polystore.types.batches import EdgeBatch, NodeBatch
from polystore.types.call import Call
from polystore.types.records import EdgeKey
from polystore_postgres import schema_graph
from polystore_postgres.capabilities import AT_LEAST
from polystore_postgres.graph import PostgresGraph
from polystore_postgres.graph_sql import GraphSql
from polystore_postgres.names import Names
from polystore_postgres.tables import create_statements

if TYPE_CHECKING:
    from polystore_postgres.pool import Pool

CALL = Call("acme")
STORED = StoredSpec(GraphSpec(name="g", indexes=(("year",), ("kind", "-meta:created_at"))))
NAMES = Names("public")
NODES, EDGES = 20_000, 50_000
SQL = GraphSql(STORED, NAMES)

STATEMENTS = [
    "upsert_nodes", "upsert_edges_create", "upsert_edges_refuse", "attached", "detach",
    "delete_nodes", "delete_edges", "get_nodes", "get_edges", "edges_out", "edges_out_typed",
    "edges_in", "edges_in_typed", "edges_both", "edges_both_typed", "scan_edges",
    "scan_edges_after", "degrees_out", "degrees_in", "degrees_both", "edges_among", "ring_out",
    "ring_in", "ring_both", "step_out", "step_in", "step_both", "labels_beginning",
]  # fmt: skip


async def load(pool: Pool) -> PostgresGraph:
    for statement in create_statements(schema_graph, STORED, NAMES):
        await pool.execute(statement)
    graph = PostgresGraph(pool, STORED, NAMES, AT_LEAST["graph"])
    ids = [f"n{n:05}" for n in range(NODES)]
    for start in range(0, NODES, 5000):
        part = ids[start : start + 5000]
        labels = [("Rare",) if n % 1000 == 0 else ("Common",) for n in range(5000)]
        given = [{"year": n % 500, "kind": n % 5} for n in range(5000)]
        texts = [json.dumps(item).encode() for item in given]
        await graph.upsert_nodes(CALL, NodeBatch(part, labels, given, texts))
    keys = [EdgeKey(ids[n % NODES], "abc"[n % 3], ids[n * 7919 % NODES]) for n in range(EDGES)]
    for start in range(0, EDGES, 5000):
        part = keys[start : start + 5000]
        batch = EdgeBatch(part, [dict[str, Any]()] * 5000, [b"{}"] * 5000)
        await graph.upsert_edges(CALL, batch, create_missing=False)
    await pool.execute("ANALYZE node_g")
    await pool.execute("ANALYZE edge_g")
    return graph


FINDS = [
    (F("year") == 7, "node_g_year", "index"),
    ((F("year") >= 7) & (F("year") < 9), "node_g_year", "exact"),
    (F.meta("labels").contains("Rare"), "node_g_labels", "exact"),
    (F.meta("id").starts_with("n0123"), "node_g_pkey", "index"),
    (None, "node_g_pkey", "index"),
]
"""Filters, the index that finds, and whether it finds in order: else all of it is sorted by id."""


def whole_table(node: dict[str, Any]) -> list[str]:
    """Return the tables that a plan reads from end to end, or through the workspace only."""
    found: list[str] = []
    if node["Node Type"] == "Seq Scan":
        found.append(str(node["Relation Name"]))
    condition = str(node.get("Index Cond", ""))
    if node["Node Type"] in {"Index Scan", "Index Only Scan", "Bitmap Index Scan"} and (
        condition.count(" = ") == 1 and "workspace" in condition and " AND " not in condition
    ):
        found.append(condition)
    for child in node.get("Plans", []):
        found += whole_table(child)
    return found


async def plans(pool: Pool, sql: str, values: list[object]) -> list[dict[str, Any]]:
    """Return the plan for `values`, and the one for any values, which the server may change to."""
    async with pool.acquire(raw=True) as connection:
        custom = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *values)
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        await connection.execute(f"PREPARE q AS {sql}")
        nothing = ", ".join(["NULL"] * len(values))
        generic = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE q ({nothing})")
        await connection.execute("DEALLOCATE q")
        return [json.loads(plan)[0]["Plan"] for plan in (custom, generic)]


async def test_statements_use_indexes(pool: Pool) -> None:
    graph = await load(pool)
    some, texts = ["n00001", "n00002", "n15000"], ["a", "a", "b"]
    rows = [b"{}"] * 3
    scan = {"scan_edges", "scan_edges_after", "labels_beginning"}
    arguments: dict[str, list[object]] = {
        "upsert_nodes": [some, some, ["{}"] * 3, rows, rows, rows],
        "upsert_edges_create": [some, texts, some, rows, some, some],
        "upsert_edges_refuse": [some, texts, some, rows],
        "delete_edges": [some, texts, some],
        "get_edges": [some, texts, some],
        "scan_edges": [100],
        "scan_edges_after": [100, "n01000", "a", "n00001"],
        "labels_beginning": ["n0123", 10, "n0124"],
        **{name: [some, some, 100, None] for name in STATEMENTS if name.startswith("ring_")},
        **{name: [some, None] for name in STATEMENTS if name.startswith("step_")},
        **{name: [some, ["a"]] for name in STATEMENTS if name.endswith("_typed")},
    }
    for name in STATEMENTS:
        values = [CALL.workspace, *arguments.get(name, [some])]
        for plan in await plans(pool, SQL[name], values):
            assert name in scan or whole_table(plan) == [], (name, plan)
            assert "Seq Scan" not in str(plan), (name, plan)

    for filter_, index, access in FINDS:
        sql, parameters = SQL.find(CALL.workspace, FindQuery(filter_, (), 100))
        custom, _ = await plans(pool, sql, parameters)
        assert index in str(custom), (filter_, custom)
        assert "Seq Scan" not in str(custom)
        explanation = await graph.explain(CALL, FindQuery(filter_, (), 100))
        assert index in "\n".join(explanation.detail)
        assert (explanation.how, explanation.access) == ("native", access), explanation
    undeclared = await graph.explain(CALL, FindQuery(F("other") == 7, (), 100))
    assert undeclared.access == "exact"


async def test_many_edges_are_looked_up_while_there_are_few(pool: Pool) -> None:
    """The plan made now is the one that is kept while a load goes on."""
    for statement in create_statements(schema_graph, STORED, NAMES):
        await pool.execute(statement)
    await pool.execute("VACUUM node_g")  # as autovacuum does where all was deleted
    graph = PostgresGraph(pool, STORED, NAMES, AT_LEAST["graph"])
    ids = [f"n{n:05}" for n in range(2000)]
    keys = [EdgeKey(source, "a", target) for source, target in itertools.pairwise(ids)]
    batch = EdgeBatch(keys, [dict[str, Any]()] * 1999, [b"{}"] * 1999)
    await graph.upsert_edges(CALL, batch, create_missing=True)
    await pool.execute("ANALYZE edge_g")
    values: list[object] = [CALL.workspace, ids[:500], ["a"] * 500, ids[1:501]]
    for name, given in (
        ("get_edges", values),
        ("attached", values[:2]),
        ("get_nodes", values[:2]),
    ):
        for plan in await plans(pool, SQL[name], given):
            assert whole_table(plan) == [], (name, plan)
            assert "Seq Scan" not in str(plan), (name, plan)
            assert name != "get_nodes" or "node_g_pkey" in str(plan), plan
    found = await graph.get_edges(CALL, [keys[3], EdgeKey("n00000", "b", "n00001"), keys[2]])
    assert [None if edge is None else edge.key for edge in found] == [keys[3], None, keys[2]]
