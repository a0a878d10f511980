"""Edges by either end against a plain list, overrides against defaults, label search."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore.errors import Conflict
from polystore.specdiff import StoredSpec
from polystore.specs import GraphSpec
from polystore.stores import graph_walks
from polystore.types.batches import EdgeBatch, NodeBatch
from polystore.types.call import Call
from polystore.types.records import EdgeKey
from polystore_memory.graph import MemoryGraph
from polystore_memory.space import Space

if TYPE_CHECKING:
    from polystore.types.batches import Direction

CALL = Call("acme")
IDS = st.sampled_from(["a", "b", "ab", "c", "a b"])
KEYS = st.lists(st.tuples(IDS, st.sampled_from(["t", "u"]), IDS), max_size=12, unique=True)


def make(*, directed: bool = True) -> MemoryGraph:
    spec = GraphSpec(name="g", directed=directed)
    return MemoryGraph(Space(), StoredSpec(spec), spec)


def edges(*keys: tuple[str, str, str]) -> EdgeBatch:
    return EdgeBatch([EdgeKey(*key) for key in keys], [{} for _ in keys], [b"{}"] * len(keys))


def nodes(*ids: str) -> NodeBatch:
    return NodeBatch(list(ids), [()] * len(ids), [{} for _ in ids], [b"{}"] * len(ids))


@given(KEYS, KEYS, st.sampled_from(["out", "in", "both"]), st.none() | st.just(["u"]))
def test_edges_of_and_degrees(
    keys: list[tuple[str, str, str]],
    gone: list[tuple[str, str, str]],
    direction: Direction,
    types: list[str] | None,
) -> None:
    async def run() -> None:
        driver = make()
        await driver.upsert_edges(CALL, edges(*keys), create_missing=True)
        deleted = await driver.delete_edges(CALL, [EdgeKey(*key) for key in gone])
        left = sorted(set(keys) - set(gone))
        assert deleted == len(set(keys) & set(gone))
        ids = ["a", "ab", "nobody", "c"]
        found = await driver.edges_of(CALL, ids, direction, types)
        assert [[tuple(edge.key) for edge in part] for part in found] == [
            [
                key
                for key in left
                if (types is None or key[1] in types)
                and (
                    (direction != "in" and key[0] == id_) or (direction != "out" and key[2] == id_)
                )
            ]
            for id_ in ids
        ]
        expected = await graph_walks.degrees(driver, CALL, ids, direction)
        assert await driver.degrees(CALL, ids, direction) == expected
        counts = await driver.counts(CALL)
        assert counts == (len({end for key in keys for end in (key[0], key[2])}), len(left))
        assert await driver.clear(CALL) == sum(counts)
        assert list(driver.space.committed.items()) == []

    asyncio.run(run())


async def test_a_node_with_edges_is_refused_whole_or_detached() -> None:
    driver = make()
    await driver.upsert_nodes(CALL, nodes("lonely"))
    await driver.upsert_edges(CALL, edges(("a", "t", "b"), ("b", "t", "b")), create_missing=True)
    with pytest.raises(Conflict, match="'b'"):
        await driver.delete_nodes(CALL, ["lonely", "b"], detach=False)
    assert await driver.counts(CALL) == (3, 2)
    assert await driver.delete_nodes(CALL, ["lonely", "b", "x"], detach=True) == 2
    assert await driver.counts(CALL) == (1, 0)


async def test_pages_of_edges_come_in_order_of_key() -> None:
    driver = make()
    keys = [("é", "t", '"'), ("a", "u", "\\"), ("a", "t", "z"), ("a", "t", "b")]
    await driver.upsert_edges(CALL, edges(*keys), create_missing=True)
    found: list[tuple[str, ...]] = []
    cursor: str | None = None
    while True:
        page = await driver.scan_edges(CALL, cursor, 1)
        found += [tuple(edge.key) for edge in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert found == sorted(keys)


async def test_labels_by_equality_beginning_part_and_likeness() -> None:
    driver = make()
    ids = ["Ada Lovelace", "ada", "ADA", "Canada", "adamant", "Lovelance", "Zebra"]
    await driver.upsert_nodes(CALL, nodes(*ids))
    matches = await driver.search_labels(CALL, "aDa", 10)
    assert [match.id for match in matches[:5]] == [
        "ADA",
        "ada",
        "Ada Lovelace",
        "adamant",
        "Canada",
    ]
    assert [match.score for match in matches[:5]] == [1.0, 1.0, 0.9, 0.9, 0.8]
    assert "Zebra" not in [match.id for match in matches]
    typo = await driver.search_labels(CALL, "lovelaec", 10)
    assert {match.id for match in typo} >= {"Lovelance"}
    assert all(match.score < 0.5 for match in typo)
    assert len(await driver.search_labels(CALL, "a", 2)) == 2
