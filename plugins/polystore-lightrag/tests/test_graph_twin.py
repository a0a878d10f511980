"""The graph storage beside LightRAG's own, with generated operations."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from .twins import dice, twins

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable
    from pathlib import Path

    from .twins import Twins

NAMES = [f"Node {n}" for n in range(14)] + [
    "node 1",
    "Émile_Node",
    "节点",
    "长" * 200,
    "长" * 199 + "短",
]


def properties(rng: random.Random) -> dict[str, Any]:
    chosen: dict[str, Any] = {
        "entity_id": "x",
        "description": f"d{rng.randrange(5)}",
        "weight": rng.choice([1.0, 2.5, 3]),
        "created_at": rng.randrange(1000),
        "truncate": "",
        "flag": rng.random() < 0.5,
    }
    return {name: chosen[name] for name in rng.sample(sorted(chosen), rng.randint(0, 4))}


def undirected(edges: list[tuple[str, str]] | None) -> Any:
    return None if edges is None else sorted(tuple(sorted(edge)) for edge in edges)


def drawn(graph: Any) -> tuple[Any, Any]:
    nodes = {node.id: (node.labels, node.properties) for node in graph.nodes}
    edges = {(e.id, e.source, e.target, e.type): e.properties for e in graph.edges}
    return nodes, edges


async def compare(pair: Twins, rng: random.Random) -> None:
    """Ask all that can be asked."""
    some = rng.sample(NAMES, 6)
    one, other = some[:2]
    pairs = [(a, b) for a, b in zip(some, reversed(some), strict=True)]
    for name in some:
        await pair.same("has_node", name)
        await pair.same("get_node", name)
        await pair.same("node_degree", name)
        ours, own = await pair.both("get_node_edges", name)
        assert undirected(ours) == undirected(own)
        sources: set[str] = {edge[0] for edge in ours or ()}
        assert sources <= {name}
    await pair.same("has_edge", one, other)
    await pair.same("get_edge", other, one)
    await pair.same("edge_degree", one, other)
    await pair.same("get_nodes_batch", some)
    await pair.same("has_nodes_batch", some)
    await pair.same("node_degrees_batch", some)
    await pair.same("edge_degrees_batch", pairs)
    await pair.same("get_edges_batch", [{"src": a, "tgt": b} for a, b in pairs])
    ours, own = await pair.both("get_nodes_edges_batch", some)
    assert {n: undirected(e) for n, e in ours.items()} == {n: undirected(e) for n, e in own.items()}
    await pair.same("get_all_labels")
    for limit in (1, 4, 100):
        await pair.same("get_popular_labels", limit)
        for text in ("node", " 1", "NODE 1", "é", "长", "zzz", "  "):
            await pair.same("search_labels", text, limit)
    ours, own = await pair.both("get_all_nodes")
    by_id = {node["id"]: node for node in own}
    assert {node["id"]: node for node in ours} == by_id
    ours, own = await pair.both("get_all_edges")
    keyed = [
        {tuple(sorted((e.pop("source"), e.pop("target")))): e for e in edges}
        for edges in (ours, own)
    ]
    assert keyed[0] == keyed[1]
    for label, depth, most in (("*", 3, 5), ("*", 3, 99), (one, 1, 99), (one, 3, 4), (other, 0, 1)):
        ours, own = await pair.both("get_knowledge_graph", label, depth, most)
        assert drawn(ours) == drawn(own), (label, depth, most)
        if label == "*" or most > len(NAMES):
            assert ours.is_truncated == own.is_truncated


@pytest.mark.parametrize("seed", range(2))
async def test_the_same_answers(graph_config: dict[str, Any], tmp_path: Path, seed: int) -> None:
    rng = dice(seed)
    async with twins("graph_storage", "chunk_entity_relation", graph_config, tmp_path) as pair:
        await compare(pair, rng)
        for _ in range(4):
            for _ in range(12):
                some = rng.sample(NAMES, 4)
                ends = [(a, rng.choice(NAMES)) for a in some]
                match rng.randrange(8):
                    case 0 | 1:
                        await pair.both("upsert_node", some[0], properties(rng))
                    case 2:
                        rows = [(name, properties(rng)) for name in [*some, some[0]]]
                        await pair.both("upsert_nodes_batch", rows)
                    case 3 | 4:
                        await pair.both("upsert_edge", *ends[0], properties(rng))
                    case 5:
                        rows = [(a, b, properties(rng)) for a, b in [*ends, ends[0][::-1]]]
                        await pair.both("upsert_edges_batch", rows)
                    case 6:
                        await pair.both("delete_node", some[0])
                        await pair.both("remove_edges", ends[:2])
                    case _:
                        await pair.both("remove_nodes", some[:1])
            await compare(pair, rng)
        await pair.same("drop")
        await compare(pair, rng)


async def test_concurrent_writes_to_one_node_all_count(
    graph_config: dict[str, Any], tmp_path: Path
) -> None:
    async with twins("graph_storage", "chunk_entity_relation", graph_config, tmp_path) as pair:
        graph = pair.ours
        await asyncio.gather(
            *(graph.upsert_node("hub", {f"field{n}": n}) for n in range(50)),
            *(graph.upsert_edge("hub", f"leaf {n % 10}", {f"f{n}": n}) for n in range(50)),
        )
        assert await graph.get_node("hub") == {f"field{n}": n for n in range(50)}
        assert await graph.node_degree("hub") == 10
        edge = await graph.get_edge("leaf 3", "hub")
        assert edge == {f"f{n}": n for n in range(3, 50, 10)}


async def test_one_bad_write_fails_alone(graph_config: dict[str, Any], tmp_path: Path) -> None:
    async with twins("graph_storage", "chunk_entity_relation", graph_config, tmp_path) as pair:
        graph = pair.ours
        calls: list[Awaitable[None]] = [
            graph.upsert_node("a", {"ok": 1}),
            graph.upsert_node("b", {"bad": float("nan")}),
            graph.upsert_node("c", {"ok": 1}),
        ]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(result).__name__ for result in results] == [
            "NoneType",
            "InvalidRecord",
            "NoneType",
        ]
        assert await graph.get_all_labels() == ["a", "c"]


async def test_writes_that_overlap_keep_their_order(
    graph_config: dict[str, Any], tmp_path: Path
) -> None:
    """What is asked for first is merged first, in however many rounds: as LightRAG's own does."""
    rng = dice("overlap")
    names = [f"n{n}" for n in range(600)]
    async with twins("graph_storage", "chunk_entity_relation", graph_config, tmp_path) as pair:
        calls: list[tuple[str, tuple[Any, ...]]] = []
        for number in range(60):
            some = rng.sample(names, rng.choice([1, 2, 40, 550]))
            if rng.random() < 0.5:
                rows = [(name, {"last": number, f"f{number % 7}": number}) for name in some]
                calls.append(("upsert_nodes_batch", (rows + rows[:1],)))
            else:
                ends = zip(some, some[1:] + some[:1], strict=True)
                rows = [(a, b, {"last": number, f"f{number % 7}": number}) for a, b in ends]
                calls.append(("upsert_edges_batch", (rows,)))
        tasks = [asyncio.create_task(getattr(pair.ours, name)(*args)) for name, args in calls]
        await asyncio.gather(*tasks)
        for name, args in calls:
            await getattr(pair.own, name)(*args)
        for node in names:
            await pair.same("get_node", node)
        for edge in sorted(await pair.own.get_all_edges(), key=str)[::7]:
            await pair.same("get_edge", edge["source"], edge["target"])
        assert len(await pair.ours.get_all_edges()) == len(await pair.own.get_all_edges())


async def test_who_gives_up_holds_nobody_up(graph_config: dict[str, Any], tmp_path: Path) -> None:
    async with twins("graph_storage", "chunk_entity_relation", graph_config, tmp_path) as pair:
        graph = pair.ours
        for turns in range(6):
            given_up = [
                asyncio.create_task(graph.upsert_node(f"n{n}", {"first": n})) for n in range(3)
            ]
            for _ in range(turns):
                await asyncio.sleep(0)
            for task in given_up:
                task.cancel()
            rows = [(f"n{n}", {"then": turns}) for n in range(3)]
            await asyncio.wait_for(graph.upsert_nodes_batch(rows), 30)
            for n in range(3):
                assert (await graph.get_node(f"n{n}"))["then"] == turns
