"""Quotas: a workspace never gets more than it may have, whichever way it writes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from polystore.errors import PolystoreError, QuotaExceeded, UnsupportedError
from polystore.testing.backend.base import (
    STORE_OF,
    BackendTests,
    count,
    handle,
    kinds_of,
    read,
    write,
)
from polystore.testing.checks import assert_raises, fresh_workspace
from polystore.testing.opening import open_with, stores_for
from polystore.testing.vector.base import unit
from polystore.types.records import Edge, Node, VectorRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore.capabilities import Kind
    from polystore.client import Stores

ROWS = 4


def limited(config: Mapping[str, Any], **quota: int) -> dict[str, dict[str, Any]]:
    """Return the kit's stores, with a quota: it is the client's, so they are the same stores."""
    stores = stores_for(config, *kinds_of(config))
    return {name: {**spec, "quota": quota} for name, spec in stores.items()}


async def write_many(stores: Stores, kind: Kind, ids: list[str]) -> None:
    """Store rows by one call."""
    name = STORE_OF[kind]
    if kind == "kv":
        await stores.kv(name).put_many(dict.fromkeys(ids, 1))
    elif kind == "doc":
        await stores.doc(name).put_many({id_: {"n": 1} for id_ in ids})
    elif kind == "vector":
        await stores.vector(name).upsert([VectorRecord(id_, unit(0)) for id_ in ids])
    else:
        await stores.graph(name).upsert_nodes([Node(id_) for id_ in ids])


async def refused(
    stores: Stores, kind: Kind, *ids: str, error: type[PolystoreError] = QuotaExceeded
) -> None:
    """Check that rows are not taken, for the reason that `error` is."""

    async def attempt() -> None:
        await write_many(stores, kind, [*ids])

    await assert_raises(error, attempt, about=kind)


class BackendQuotas(BackendTests):
    """Quotas of rows, on every kind; they are the core's, and rely on count and reads alone."""

    async def test_rows_are_refused_before_the_write(self, config: Mapping[str, Any]) -> None:
        """Up to the quota all is stored; beyond it nothing is, and replacing still works."""
        async with open_with(config, limited(config, rows=ROWS)) as client:
            for kind in kinds_of(config):
                space = client.workspace(fresh_workspace())
                await write_many(space, kind, ["a", "b", "c"])
                await assert_raises(
                    QuotaExceeded, lambda s=space, k=kind: write_many(s, k, ["d", "e"])
                )
                assert await count(space, kind) == 3
                await write_many(space, kind, ["c", "d"])
                await write_many(space, kind, ["a", "b", "c", "d"])
                await refused(space, kind, "e")
                assert await count(space, kind) == ROWS
                # Another tenant has a quota of its own, and room is free after a delete.
                await write_many(client.workspace(fresh_workspace()), kind, ["a", "b", "c", "d"])
                assert await handle(space, kind).clear() == ROWS
                await write_many(space, kind, ["x", "y", "z"])

    async def test_rows_one_by_one_and_at_once(self, config: Mapping[str, Any]) -> None:
        """Writers of one client together stay within the quota."""
        async with open_with(config, limited(config, rows=ROWS)) as client:
            for kind in kinds_of(config):
                if kind == "graph":
                    continue  # its rows are of two kinds; see below
                space = client.workspace(fresh_workspace())
                outcomes = await asyncio.gather(
                    *(write(space, kind, f"k{n}") for n in range(3 * ROWS)), return_exceptions=True
                )
                refused = [error for error in outcomes if isinstance(error, QuotaExceeded)]
                others = {
                    type(error)
                    for error in outcomes
                    if isinstance(error, BaseException) and not isinstance(error, QuotaExceeded)
                }
                assert others == set()
                assert await count(space, kind) == 3 * ROWS - len(refused) <= ROWS

    async def test_comparing_writes_are_counted(self, config: Mapping[str, Any]) -> None:
        """put_if_absent of one more is refused; a newer version of a row is not."""
        async with open_with(config, limited(config, rows=1)) as client:
            for kind in kinds_of(config):
                space = client.workspace(fresh_workspace())
                if kind == "kv":
                    kv = space.kv(STORE_OF[kind])
                    assert await kv.put_if_absent("a", 0)
                    await assert_raises(QuotaExceeded, lambda kv=kv: kv.put_if_absent("b", 0))
                    entry = await kv.get_entry("a")
                    assert entry is not None
                    await kv.compare_and_set("a", 1, entry.version)
                elif kind == "doc":
                    doc = space.doc(STORE_OF[kind])
                    assert await doc.put_if_absent("a", {"n": 0})
                    await assert_raises(QuotaExceeded, lambda d=doc: d.put_if_absent("b", {}))
                    assert await doc.patch("a", {"n": 1}) is not None
                else:
                    continue
                assert await read(space, kind, "a") == 1
                assert await count(space, kind) == 1

    async def test_nodes_that_edges_make_are_counted(self, config: Mapping[str, Any]) -> None:
        """An edge between absent nodes is three rows."""
        if "graph" not in kinds_of(config):
            return
        async with open_with(config, limited(config, rows=ROWS)) as client:
            graph = client.workspace(fresh_workspace()).graph(STORE_OF["graph"])
            await graph.upsert_edges([Edge("a", "t", "b")])
            await assert_raises(QuotaExceeded, lambda: graph.upsert_edges([Edge("c", "t", "d")]))
            await graph.upsert_edges([Edge("a", "u", "b")])
            await assert_raises(QuotaExceeded, lambda: graph.upsert_nodes([Node("c")]))
            assert tuple(await graph.count()) == (2, 2)

    async def test_bytes(self, config: Mapping[str, Any]) -> None:
        """A quota of bytes is kept where the backend tells its size, and refused where not."""
        async with open_with(config, limited(config, bytes=1_000_000)) as client:
            for kind in kinds_of(config):
                space = client.workspace(fresh_workspace())
                if await handle(space, kind).size_bytes() is None:
                    await refused(space, kind, "a", error=UnsupportedError)
                    assert await count(space, kind) == 0
                    continue
                await write_many(space, kind, ["a"])
                await assert_raises(QuotaExceeded, lambda s=space, k=kind: write_large(s, k))
                assert await count(space, kind) == 1


async def write_large(stores: Stores, kind: Kind) -> None:
    """Store about two million bytes in rows of 50,000."""
    text, name = "x" * 50_000, STORE_OF[kind]
    ids = [f"large{n}" for n in range(40)]
    if kind == "kv":
        await stores.kv(name).put_many(dict.fromkeys(ids, text))
    elif kind == "doc":
        await stores.doc(name).put_many({id_: {"text": text} for id_ in ids})
    elif kind == "vector":
        await stores.vector(name).upsert([VectorRecord(id_, unit(0), text) for id_ in ids])
    else:
        await stores.graph(name).upsert_nodes([Node(id_, (), {"text": text}) for id_ in ids])
