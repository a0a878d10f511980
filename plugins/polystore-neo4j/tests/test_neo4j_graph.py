"""Graphs on Neo4j: adversarial names, races, units, other people's indexes, doctor."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from polystore import Edge, Node
from polystore.errors import Closed, Conflict, SchemaMismatch, UnsupportedError
from polystore_neo4j.rows import tag_of

from .clients import client_of

if TYPE_CHECKING:
    from servers.neo4j import Neo4jServer

TRICKY = [
    "`",
    "`) DETACH DELETE n //",
    "$id",
    "a'b\"c",
    "\\",
    "{label}",
    "n:x",
    "é́",
    "名",
    " ",
    "-",
]


async def test_names_of_users_are_data(block: dict[str, Any], neo4j5: Neo4jServer) -> None:
    async with client_of(block) as ps:
        graph = ps.graph("knowledge")
        for workspace in ("one", "two` {ws: 'one'}"):
            own = ps.workspace(workspace).graph("knowledge")
            await own.upsert_nodes(
                [Node(text, (text,), {text: [text, {text: 1}]}) for text in TRICKY]
            )
            await own.upsert_edges([Edge(text, text, "`", {text: None}) for text in TRICKY])
        assert await graph.count() == (0, 0)
        for workspace in ("one", "two` {ws: 'one'}"):
            own = ps.workspace(workspace).graph("knowledge")
            found = await own.get_nodes(TRICKY)
            assert [(n.id, n.labels, n.properties) for n in found if n is not None] == [
                (text, (text,), {text: [text, {text: 1}]}) for text in TRICKY
            ]
            (edges,) = await own.edges_of(["`"], direction="in", types=["$id"])
            assert [edge.key for edge in edges] == [("$id", "$id", "`")]
            assert await own.degrees(["`"]) == [len(TRICKY) + 1]
        labels = {row[0] for row in neo4j5.run("CALL db.labels()")}
        assert not {label for label in labels if any(text == label for text in TRICKY)}


async def test_racing_writers_make_one_edge(block: dict[str, Any]) -> None:
    async with client_of(block) as first, client_of(block) as second:

        async def write(ps: Any, number: int) -> None:
            edges = [Edge("a", "knows", f"b{n}", {"by": number}) for n in range(20)]
            await ps.graph("knowledge").upsert_edges(edges if number % 2 else edges[::-1])

        await asyncio.gather(*(write(ps, n) for ps in (first, second) for n in range(15)))
        counts = await first.graph("knowledge").count()
        assert counts == (21, 20)


async def test_edges_never_vanish_while_their_nodes_are_deleted(block: dict[str, Any]) -> None:
    async with client_of(block) as ps:
        graph = ps.graph("knowledge")
        await graph.upsert_nodes([Node("a"), Node("b")])

        async def delete() -> None:
            for _ in range(20):
                await graph.delete_nodes(["b"], detach=True)

        async def connect() -> int:
            stored = 0
            for number in range(20):
                await graph.upsert_edges([Edge("a", f"t{number}", "b")])
                stored += 1
            return stored

        assert (await asyncio.gather(delete(), connect()))[1] == 20
        for edge in (await graph.edges_of(["a"]))[0]:
            assert (await graph.get_nodes([edge.target]))[0] is not None


async def test_units_see_their_own_writes_and_end(block: dict[str, Any]) -> None:
    async with client_of(block) as ps:
        async with ps.unit_of_work("knowledge") as unit:
            inside = unit.graph("knowledge")
            await inside.upsert_edges([Edge("a", "t", "b")])
            assert await inside.count() == (2, 1)
            assert await ps.graph("knowledge").count() == (0, 0)
        with pytest.raises(Closed):
            await inside.count()

        async def fail() -> None:
            async with ps.unit_of_work("knowledge") as unit:
                await unit.graph("knowledge").upsert_nodes([Node("c")])
                await unit.graph("knowledge").delete_nodes(["a"], detach=False)

        with pytest.raises(Conflict):
            await fail()
        assert await ps.graph("knowledge").count() == (2, 1)
        with pytest.raises(UnsupportedError, match="isolation 'serializable'"):
            async with ps.unit_of_work("knowledge", isolation="serializable"):
                pass


async def test_another_constraint_of_our_name(block: dict[str, Any], neo4j5: Neo4jServer) -> None:
    name = f"{block['namespace']}.store.knowledge.1.nodes"
    neo4j5.run(f"CREATE CONSTRAINT `{name}` FOR (x:`{name}`) REQUIRE x.id IS UNIQUE")
    with pytest.raises(SchemaMismatch, match="another index or constraint is called"):
        await client_of(block).__aenter__()


async def test_a_layout_of_the_future(block: dict[str, Any], neo4j5: Neo4jServer) -> None:
    neo4j5.run(f"CREATE (:`{block['namespace']}.layout` {{name: '3', checksum: 'x'}})")
    with pytest.raises(SchemaMismatch, match="step 3 of the layout"):
        await client_of(block).__aenter__()


async def test_a_layout_step_of_another_text(block: dict[str, Any], neo4j5: Neo4jServer) -> None:
    async with client_of(block) as ps:
        await ps.graph("knowledge").upsert_nodes([Node("kept")])
    label = f"{block['namespace']}.layout"
    neo4j5.run(f"MATCH (s:`{label}` {{name: '1'}}) SET s.good = s.checksum, s.checksum = 'x'")
    with pytest.raises(SchemaMismatch, match="step 1 of the layout") as told:
        await client_of(block).__aenter__()
    assert "another namespace" in str(told.value.hint)
    neo4j5.run(f"MATCH (s:`{label}` {{name: '1'}}) SET s.checksum = s.good")
    async with client_of(block) as ps:
        assert await ps.graph("knowledge").get_node("kept") is not None


async def test_a_database_of_the_first_layout(block: dict[str, Any], neo4j5: Neo4jServer) -> None:
    async with client_of(block) as ps:
        await ps.graph("knowledge").upsert_nodes([Node("Grace Hopper"), Node("grace")])
    label = f"{block['namespace']}.store.knowledge.1"
    neo4j5.run(f"MATCH (s:`{block['namespace']}.layout` {{name: '2'}}) DELETE s")
    neo4j5.run(
        f"MATCH (n:`{label}`) REMOVE n.fold SET n.labels = [], n.key = $tag + toLower(n.id)",
        tag=tag_of("default") + ":",
    )
    neo4j5.run(f"CREATE TEXT INDEX `{label}.key` FOR (n:`{label}`) ON (n.key)")
    async with client_of(block) as ps:
        graph = ps.graph("knowledge")
        await graph.upsert_nodes([Node("Graceful"), Node("Grace Hopper", (), {"born": 1906})])
        assert [match.id for match in await graph.search_labels("GRACE")] == [
            "grace",
            "Grace Hopper",
            "Graceful",
        ]
        assert await graph.get_node("grace") is not None
    names = [row[0] for row in neo4j5.run("SHOW INDEXES YIELD name")]
    assert f"{label}.near" in names
    assert f"{label}.key" not in names


async def test_a_lost_index_is_seen_and_mended(block: dict[str, Any], neo4j5: Neo4jServer) -> None:
    async with client_of(block) as ps:
        await ps.graph("knowledge").upsert_nodes([Node("Grace Hopper")])
    name = f"{block['namespace']}.store.knowledge.1.near"
    neo4j5.run(f"DROP INDEX `{name}`")
    async with client_of(block) as ps:
        found = {f.check: f for f in await ps.doctor() if f.store == "knowledge"}
        assert found["index"].severity == "error"
        assert "is missing" in found["index"].message
        await ps.apply()
        found = {f.check: f for f in await ps.doctor() if f.store == "knowledge"}
        assert found["index"].severity == "ok"
        (match,) = await ps.graph("knowledge").search_labels("HOPPER")
        assert match == ("Grace Hopper", 0.8)


async def test_doctor_on_a_good_server(block: dict[str, Any]) -> None:
    async with client_of(block) as ps:
        found = {f.check: f.severity for f in await ps.doctor() if f.backend == "main"}
        assert {found[check] for check in ("version", "encryption", "index", "clock")} == {"ok"}
