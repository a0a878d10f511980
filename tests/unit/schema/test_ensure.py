"""Stores that are used as they were declared elsewhere, or never."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

import polystore
from polystore.errors import ConfigError, SchemaMismatch
from polystore.types.records import Edge

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def config() -> Callable[..., dict[str, Any]]:
    shared = f"ensure {uuid4()}"

    def make(**stores: Any) -> dict[str, Any]:
        return {"backends": {"main": {"use": "memory", "shared": shared}}, "stores": stores}

    return make


async def test_an_undeclared_store_is_used_as_somebody_else_declared_it(
    config: Callable[..., dict[str, Any]],
) -> None:
    declared = config(cache={"kind": "kv", "ttl": 60}, docs={"kind": "doc", "indexes": ["a"]})
    async with polystore.open(declared), polystore.open(config()) as ps:
        await ps.kv("cache").put("k", 1)
        entry = await ps.kv("cache").get_entry("k")
        assert entry is not None
        assert entry.expires_at is not None
        docs = ps.doc("docs")
        await docs.put("d", {"a": 1})
        assert docs.spec.model_dump()["indexes"] == (("a",),)


@pytest.mark.parametrize("declared", [{}, {"edges": {"kind": "graph"}}])
async def test_an_undirected_graph_is_not_filled_as_a_directed_one(
    config: Callable[..., dict[str, Any]], declared: dict[str, Any]
) -> None:
    async with polystore.open(config(edges={"kind": "graph", "directed": False})) as first:
        async with polystore.open(config(**declared), schema="off") as second:
            with pytest.raises(SchemaMismatch, match="directed"):
                await second.graph("edges").upsert_edges([Edge("b", "t", "a")])
        assert (await first.graph("edges").count()).edges == 0


@pytest.mark.parametrize("changed", [{"dimensions": 3}, {"metric": "l2"}])
async def test_vectors_are_not_mixed_even_with_the_schema_off(
    config: Callable[..., dict[str, Any]], changed: dict[str, Any]
) -> None:
    chunks = {"kind": "vector", "dimensions": 2}
    async with polystore.open(config(chunks=chunks)):
        async with polystore.open(config(chunks=chunks | changed), schema="off") as ps:
            with pytest.raises(SchemaMismatch, match=next(iter(changed))):
                await ps.vector("chunks").count()
        async with polystore.open(
            config(chunks=chunks | {"embedding_model": "trusted"}), schema="off"
        ) as ps:
            assert await ps.vector("chunks").count() == 0


async def test_a_wrong_guess_of_the_kind_can_be_corrected(
    config: Callable[..., dict[str, Any]],
) -> None:
    async with polystore.open(config()) as first:
        await first.doc("notes").put("n", {"x": 1})
        async with polystore.open(config()) as second:
            with pytest.raises(SchemaMismatch, match="kind"):
                await second.kv("notes").get("n")
            assert await second.doc("notes").get("n") == {"x": 1}


async def test_of_two_kinds_under_one_name_one_is_made(
    config: Callable[..., dict[str, Any]],
) -> None:
    async with polystore.open(config()) as ps:
        wrong, right = ps.kv("notes"), ps.doc("notes")
        done = await asyncio.gather(
            right.put("n", {"x": 1}), wrong.put("n", 1), return_exceptions=True
        )
        assert sum(isinstance(one, SchemaMismatch) for one in done) == 1
        assert len(await ps.sizes()) == 1


@pytest.mark.parametrize("name", ["", "A", "a b", "a__b", "a" * 41, "ünï", 'x"; drop', "a\n"])
async def test_a_name_that_no_store_has_is_a_clear_error(
    config: Callable[..., dict[str, Any]], name: str
) -> None:
    async with polystore.open(config()) as ps:
        for open_store in (ps.kv, ps.doc, ps.graph):
            with pytest.raises(ConfigError, match="no store name"):
                open_store(name)


async def test_with_the_schema_off_a_wrong_kind_changes_nothing(
    config: Callable[..., dict[str, Any]],
) -> None:
    async with polystore.open(config()) as first:
        await first.doc("notes").put("n", {"x": 1})
        async with polystore.open(config(notes={"kind": "kv"}), schema="off") as ps:
            with pytest.raises(SchemaMismatch, match="kind"):
                await ps.kv("notes").put("n", 1)
        assert await first.doc("notes").count() == 1
