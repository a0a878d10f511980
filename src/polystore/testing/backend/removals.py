"""Stores that are no longer declared: kept, dropped when asked, and renamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from polystore.client import open as open_client
from polystore.errors import SchemaMismatch, StoreNotFound, UnsupportedError
from polystore.filters import F
from polystore.testing.backend.base import NOT_SHARED, BackendTests, kinds_of, number_of
from polystore.testing.checks import assert_raises, fresh_workspace
from polystore.testing.opening import open_with, with_stores
from polystore.testing.outcomes import not_applicable
from polystore.testing.vector.base import record
from polystore.types.records import Edge, Node

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore.capabilities import Kind
    from polystore.client import Polystore, Stores

SPECS: dict[Kind, dict[str, Any]] = {
    "kv": {"kind": "kv"},
    "doc": {"kind": "doc", "indexes": ["n"]},
    "vector": {"kind": "vector", "dimensions": 8, "fields": {"n": "integer"}},
    "graph": {"kind": "graph", "indexes": ["n"]},
}


def _store(stores: Stores, kind: Kind, name: str) -> Any:
    getters = {"kv": stores.kv, "doc": stores.doc, "vector": stores.vector, "graph": stores.graph}
    return getters[kind](name)


async def _fill(store: Any, kind: Kind) -> None:
    if kind == "kv":
        await store.put_many({f"k{n}": n for n in range(20)})
    elif kind == "doc":
        await store.put_many({f"k{n}": {"n": n} for n in range(20)})
    elif kind == "vector":
        await store.upsert([record(f"k{n}", n=n) for n in range(20)])
    else:
        await store.upsert_nodes([Node(f"k{n}", ("L",), {"n": n}) for n in range(20)])
        await store.upsert_edges([Edge("k1", "t", "k2"), Edge("k2", "t", "k3")])


async def _check_filled(store: Any, kind: Kind) -> None:
    assert await number_of(store, kind) == 20
    if kind == "kv":
        assert await store.get("k7") == 7
    elif kind == "doc":
        page = await store.find(F("n") >= 10, sort="-n", limit=2)
        assert [document.id for document in page.items] == ["k19", "k18"]
    elif kind == "vector":
        assert await store.count(F("n") >= 10) == 10
    else:
        assert await store.neighbors("k2", direction="out") == ["k3"]
        page = await store.find_nodes(F("n") >= 18)
        assert [node.id for node in page.items] == ["k18", "k19"]


class BackendRemovals(BackendTests):
    """Removals."""

    def undeclared(self, config: Mapping[str, Any]) -> Polystore:
        """Return a client that declares no store and makes none."""
        return open_client(with_stores(config, {}), schema="off")

    async def test_what_is_no_longer_declared_is_kept(self, config: Mapping[str, Any]) -> None:
        """It is there until it is dropped by its name; then nothing is left of it."""
        if not self.clients_share:
            not_applicable(NOT_SHARED)
            return
        for kind in kinds_of(config):
            name, workspace = f"kit_gone_{kind}_{uuid4().hex[:8]}", fresh_workspace()
            async with open_with(config, {name: SPECS[kind]}) as client:
                await _fill(_store(client.workspace(workspace), kind, name), kind)
                await assert_raises(StoreNotFound, lambda c=client, n=name: c.destroy(n))
                assert name not in {note.store for note in await client.notes()}
                await self._check_kept(config, name, workspace)
            async with open_with(config, {name: SPECS[kind]}) as client:
                assert await number_of(_store(client.workspace(workspace), kind, name), kind) == 0
            async with self.undeclared(config) as client:
                if await self._removes(client):
                    await client.destroy(name)

    async def _check_kept(self, config: Mapping[str, Any], name: str, workspace: str) -> None:
        async with self.undeclared(config) as client:
            (note,) = [note for note in await client.notes() if note.store == name]
            assert note.severity == "info"
            assert [change for change in await client.plan() if change.store == name] == []
            if not await self._removes(client):
                await assert_raises(UnsupportedError, lambda: client.destroy(name))
                sizes = await client.workspace(workspace).sizes()
                assert [size.store for size in sizes if size.rows] == [name]
                await client.workspace(workspace).drop()
                return
            planned = await client.destroy(name, dry_run=True)
            assert workspace in await client.workspaces()
            done = await client.destroy(name)
            assert (done.store, done.action) == (planned.store, planned.action)
            await assert_raises(StoreNotFound, lambda: client.destroy(name))
            assert workspace not in await client.workspaces()
            assert name not in {note.store for note in await client.notes()}

    async def test_a_store_gets_another_name(self, config: Mapping[str, Any]) -> None:
        """All that it has goes with it, in one step; or it is refused, with the way out."""
        if not self.clients_share:
            not_applicable(NOT_SHARED)
            return
        for kind in kinds_of(config):
            suffix, workspace = f"{kind}_{uuid4().hex[:8]}", fresh_workspace()
            old, new = f"kit_was_{suffix}", f"kit_is_{suffix}"
            renamed = {new: {**SPECS[kind], "renamed_from": old}}
            async with open_with(config, {old: SPECS[kind]}) as client:
                await _fill(_store(client.workspace(workspace), kind, old), kind)
                (opened,) = client.runtime.backends.values()
                renames, removes = opened.backend.renames, opened.backend.removes
            if renames:
                async with open_with(config, renamed) as client:
                    assert await client.plan() == []
                    await _check_filled(_store(client.workspace(workspace), kind, new), kind)
                async with open_with(config, {new: SPECS[kind]}) as client:
                    await _check_filled(_store(client.workspace(workspace), kind, new), kind)
                    assert workspace in await client.workspaces()
            else:
                await assert_raises(SchemaMismatch, lambda r=renamed: open_with(config, r).start())
            async with self.undeclared(config) as client:
                if removes:
                    await client.destroy(new if renames else old)
                else:
                    await client.workspace(workspace).drop()

    async def _removes(self, client: Polystore) -> bool:
        (opened,) = client.runtime.backends.values()
        return opened.backend.removes
