"""Writes: new and known rows in one batch, versions, what is refused, plans."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import neo4j
import pytest

from polystore import Edge, Node
from polystore.errors import Conflict, SchemaMismatch
from polystore_neo4j.cypherfile import block as text_of
from polystore_neo4j.statements import HOLD

from .clients import client_of

if TYPE_CHECKING:
    from servers.neo4j import Neo4jServer

MANY = 120
"""Rows of a batch that is created first, and merged only where that is refused."""


async def test_batches_of_new_and_known_rows(block: dict[str, Any]) -> None:
    rng = random.Random(11)  # noqa: S311
    async with client_of(block) as ps:
        graph = ps.graph("knowledge")
        nodes: dict[str, int] = {}
        edges: dict[tuple[str, str, str], int] = {}
        for step in range(6):
            ids = [f"n{rng.randrange(300)}" for _ in range(MANY)]
            await graph.upsert_nodes([Node(id_, ("L",), {"step": step}) for id_ in ids])
            nodes |= dict.fromkeys(ids, step)
            keys = [
                (f"n{rng.randrange(400)}", rng.choice("tu"), f"n{rng.randrange(400)}")
                for _ in range(MANY)
            ]
            await graph.upsert_edges([Edge(*key, {"step": step}) for key in keys])
            edges |= dict.fromkeys(keys, step)
            for source, _, target in keys:
                nodes.setdefault(source, -1)
                nodes.setdefault(target, -1)
        assert await graph.count() == (len(nodes), len(edges))
        for node in await graph.get_nodes(nodes):
            assert node is not None
            assert node.properties == ({} if nodes[node.id] < 0 else {"step": nodes[node.id]})
            assert node.version is not None
            assert node.created_at is not None
            assert node.updated_at is not None
            assert node.created_at <= node.updated_at
        for edge in await graph.get_edges(edges):
            assert edge is not None
            assert edge.properties == {"step": edges[edge.key]}


async def test_versions_rise_with_every_write(block: dict[str, Any]) -> None:
    async with client_of(block) as ps:
        graph = ps.graph("knowledge")
        seen = [0, 0]
        created = None
        for _ in range(4):
            await graph.upsert_edges([Edge("a", "t", f"b{n}") for n in range(MANY)])
            await graph.upsert_nodes([Node(f"b{n}") for n in range(MANY)])
            node, edge = await graph.get_node("b5"), await graph.get_edge("a", "t", "b5")
            assert node is not None
            assert edge is not None
            assert node.version is not None
            assert edge.version is not None
            assert [node.version, edge.version] > seen
            assert node.version > seen[0]
            assert edge.version > seen[1]
            seen = [node.version, edge.version]
            assert created in {None, edge.created_at}
            created = edge.created_at


async def test_what_is_refused_stores_nothing_of_a_batch(block: dict[str, Any]) -> None:
    async with client_of(block) as ps:
        graph = ps.graph("knowledge")
        await graph.upsert_nodes([Node(f"n{n}") for n in range(MANY)])
        edges = [Edge(f"n{n}", "t", f"n{n + 1}") for n in range(MANY)]
        with pytest.raises(Conflict, match=f"do not exist: 'n{MANY}'"):
            await graph.upsert_edges(edges, missing_endpoints="refuse")
        assert await graph.count() == (MANY, 0)
        async with ps.unit_of_work("knowledge") as unit:
            inside = unit.graph("knowledge")
            await inside.upsert_edges(edges)
            await inside.upsert_nodes([Node(f"n{n}", (), {"n": n}) for n in range(MANY)])
            await inside.upsert_edges(edges)
        assert await graph.count() == (MANY + 1, MANY)


async def test_scans_go_on_behind_any_edge(block: dict[str, Any]) -> None:
    async with client_of(block) as ps:
        graph = ps.graph("knowledge")
        keys = [(a, t, b) for a in ("a", "aa", "b") for t in ("t", "u") for b in ("a", "b", "é")]
        await graph.upsert_edges([Edge(*key) for key in keys])
        await ps.workspace("other").graph("knowledge").upsert_edges([Edge("a", "t", "zz")])
        for batch in range(1, len(keys) + 2):
            assert [edge.key async for edge in graph.scan_edges(batch=batch)] == sorted(keys)


async def test_a_lost_full_text_index_is_told(block: dict[str, Any], neo4j5: Neo4jServer) -> None:
    async with client_of(block) as ps:
        neo4j5.run(f"DROP INDEX `{block['namespace']}.store.knowledge.1.near`")
        with pytest.raises(SchemaMismatch, match=r"knowledge\.1\.near") as caught:
            await ps.graph("knowledge").search_labels("grace")
        assert "polystore doctor" in str(caught.value.hint)


READS = {
    "scan_nodes": {"after": "", "skip": 0, "limit": 10},
    "scan_edges_from": {"source": "", "limit": 10},
    "scan_edges_of_source": {"source": "a", "type": "", "limit": 10},
    "scan_edges_of_type": {"source": "a", "type": "t", "target": "", "limit": 10},
    "counts": {},
    "get_nodes": {"ids": ["a"]},
    "get_edges": {"keys": [["a", "t", "b"]]},
    "clear_nodes": {"limit": 10},
    "workspaces": {"after": "", "limit": 10},
}
ORDERED = {
    "delete_edges": {"ends": ["a", "b"], "keys": [["a", "t", "b"]]},
    "clear_edges": {"limit": 10},
}
"""These sort the ends of the edges that they delete."""
SOUGHT = {"NodeUniqueIndexSeek", "DirectedRelationshipUniqueIndexSeek"}
GROWING = {"Top", "Sort", "NodeByLabelScan", "DirectedRelationshipTypeScan", "Expand(All)"}


async def test_plans_read_no_more_than_the_answer(
    block: dict[str, Any], neo4j5: Neo4jServer
) -> None:
    async with client_of(block) as ps:
        for name in ("one", "two"):
            await (
                ps.workspace(name)
                .graph("knowledge")
                .upsert_edges([Edge("a", "t", f"b{n}") for n in range(500)])
            )
    label = f"`{block['namespace']}.store.knowledge.1`"
    graph: Any = neo4j.GraphDatabase  # whose types know no settings
    address = neo4j5.block["uri"], ("neo4j", neo4j5.password)
    with graph.driver(address[0], auth=address[1]) as driver, driver.session() as session:
        for name, parameters in (READS | ORDERED).items():
            statement = f"EXPLAIN {text_of('graph.cypher', name, **HOLD, label=label)}"
            plan = session.run(statement, ws="one", **parameters).consume().plan
            operators = {one.split("@")[0].split("(Locking)")[0] for one in _operators(plan)}
            assert operators & SOUGHT, (name, operators)
            growing = GROWING - {"Sort"} if name in ORDERED else GROWING
            assert not operators & growing, (name, operators)


def _operators(plan: dict[str, Any]) -> list[str]:
    below = [name for child in plan.get("children", []) for name in _operators(child)]
    return [plan["operatorType"], *below]
