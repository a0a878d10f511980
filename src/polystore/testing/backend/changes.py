"""Stores come into being, and grow, while others are at it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from polystore.errors import StoreNotFound
from polystore.filters import F
from polystore.testing.backend.base import BackendTests, kinds_of
from polystore.testing.checks import assert_raises, fresh_workspace
from polystore.testing.opening import Stores, open_with
from polystore.testing.outcomes import not_applicable
from polystore.testing.vector.base import record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore.capabilities import Kind

RACED: Final[dict[Kind, dict[str, Any]]] = {
    "kv": {"kind": "kv"},
    "doc": {"kind": "doc", "indexes": ["a", "-b"]},
    "vector": {"kind": "vector", "dimensions": 8, "fields": {"year": "integer"}},
    "graph": {"kind": "graph", "indexes": ["a"]},
}
CLIENTS: Final = 6


class BackendChanges(BackendTests):
    """Schema changes."""

    async def test_many_clients_open_new_stores(self, config: Mapping[str, Any]) -> None:
        """Clients that open the same new stores at the same time all succeed."""
        stores: Stores = {f"kit_raced_{kind}": RACED[kind] for kind in kinds_of(config)}

        async def work(number: int) -> None:
            async with open_with(config, stores) as client:
                space = client.workspace(fresh_workspace())
                if "kv" in kinds_of(config):
                    await space.kv("kit_raced_kv").put("a", number)
                    assert await space.kv("kit_raced_kv").get("a") == number
                assert await client.plan() == []

        await asyncio.gather(*(work(number) for number in range(CLIENTS)))

    async def test_documents_get_a_new_index(self, config: Mapping[str, Any]) -> None:
        """An index declared later holds for what was stored before, and orders it."""
        if "doc" not in kinds_of(config):
            not_applicable("the backend serves no doc")
            return
        before: Stores = {"kit_grown_docs": {"kind": "doc", "indexes": ["a"]}}
        after: Stores = {"kit_grown_docs": {"kind": "doc", "indexes": ["a", ["b", "-a"]]}}
        space = fresh_workspace()
        async with open_with(config, before) as client:
            docs = client.workspace(space).doc("kit_grown_docs")
            await docs.put_many({f"d{n}": {"a": n, "b": n % 2} for n in range(6)})
        async with open_with(config, after) as client:
            docs = client.workspace(space).doc("kit_grown_docs")
            if not self.clients_share:
                await docs.put_many({f"d{n}": {"a": n, "b": n % 2} for n in range(6)})
            page = await docs.find(F("b") >= 0, sort=("b", "-a"))
            assert [document.data["a"] for document in page.items] == [4, 2, 0, 5, 3, 1]
            assert [counted.count for counted in await docs.count_by("b")] == [3, 3]
            assert await client.plan() == []

    async def test_vectors_get_a_new_field(self, config: Mapping[str, Any]) -> None:
        """A field declared later holds for what was stored before."""
        if "vector" not in kinds_of(config):
            not_applicable("the backend serves no vector")
            return
        plain = {"kind": "vector", "dimensions": 8}
        before: Stores = {"kit_grown_vectors": plain}
        after: Stores = {"kit_grown_vectors": plain | {"fields": {"year": "integer"}}}
        space = fresh_workspace()
        rows = [record(f"r{n}", year=n) for n in range(4)] + [record("none")]
        async with open_with(config, before) as client:
            await client.workspace(space).vector("kit_grown_vectors").upsert(rows)
        async with open_with(config, after) as client:
            vectors = client.workspace(space).vector("kit_grown_vectors")
            if not self.clients_share:
                await vectors.upsert(rows)
            assert await vectors.count(F("year") >= 2) == 2
            assert await vectors.count(~F("year").exists()) == 1
            assert await client.plan() == []

    async def test_inferred_stores(self, config: Mapping[str, Any]) -> None:
        """Without declared stores, kv, documents and graphs come into being at first use."""
        async with open_with(config, {}) as client:
            space = client.workspace(fresh_workspace())
            if "kv" in kinds_of(config):
                kv = space.kv("kit_inferred_kv")
                await asyncio.gather(*(kv.put(f"k{n}", n) for n in range(10)))
                assert await kv.count() == 10
            if "doc" in kinds_of(config):
                await space.doc("kit_inferred_docs").put("a", {"n": 1})
                assert await space.doc("kit_inferred_docs").count(F("n") == 1) == 1
            if "graph" in kinds_of(config):
                assert await space.graph("kit_inferred_graph").neighbors("a") == []

            async def vectors() -> None:
                space.vector("kit_inferred_vectors")

            await assert_raises(StoreNotFound, vectors)
