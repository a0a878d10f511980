"""One tenant who tries to reach another through every string and every operation."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from polystore.capabilities import Feature
from polystore.errors import PolystoreError
from polystore.filters import F
from polystore.testing.backend.base import (
    STORE_OF,
    BackendTests,
    handle,
    kinds_of,
    opened_backend,
)
from polystore.testing.checks import fresh_workspace
from polystore.testing.vector.base import unit
from polystore.types.records import Edge, Node, VectorRecord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from polystore.capabilities import Kind
    from polystore.client import Polystore, Stores
    from polystore.units.unit import UnitOfWork

OWN: Final = "the victim's own"
PARTS: Final = (
    "",
    "'",
    "''",
    '"',
    "\\",
    "\\'",
    "`",
    "%",
    "_",
    "*",
    "?",
    "[a-z]*",
    ":",
    "::",
    "/",
    "../",
    "..",
    "#",
    "{",
    "}",
    "{}",
    "|",
    "\n",
    "\r\n",
    "\t",
    "\x1f",
    "\x01",
    "\u0001",
    "\u200b",
    "\ufeff",
    "$1",
    "${x}",
    "' OR '1'='1",
    "' OR 1=1 --",
    "'; SELECT 1; --",
    "') OR ('1'='1",
    "\\' OR true //",
    '" or true or "',
    "id != ''",
    "}) MATCH (n) RETURN n //",
    "*) (workspace",
    "\r\nKEYS *\r\n",
    "return redis.call('keys','*')",
    "..%2f",
    "%00",
    "\\0",
    "\\u0000",
    "null",
    "default",
)
"""What separates, quotes, escapes, matches or ends something in one engine or another."""


def names_of(victim: str) -> list[str]:
    """Return what an attacker may call itself, or a key: the victim's name made into another."""
    around = [victim + part for part in PARTS]
    around += [start + victim + end for start in PARTS[1:] for end in ("", start)]
    cut = [victim[:-1], victim[1:], victim.upper(), victim + victim, f"{victim}:{victim}"]
    return list(dict.fromkeys(name for name in (*around, *cut) if name and name != victim))


def keys_of(victim: str) -> list[str]:
    """Return keys with which an attacker may try to name what the victim has."""
    forms = [f"{victim}{part}secret" for part in PARTS]
    return list(dict.fromkeys([*forms, *(part for part in PARTS if part), "secret"]))


async def fill(stores: Stores | UnitOfWork, kind: Kind) -> None:
    """Store what nobody else may see or change."""
    name = STORE_OF[kind]
    if kind == "kv":
        await stores.kv(name).put_many({"secret": OWN, "other": OWN})
    elif kind == "doc":
        await stores.doc(name).put_many({"secret": {"v": OWN}, "other": {"v": OWN}})
    elif kind == "vector":
        records = [VectorRecord(id_, unit(0), OWN, {"v": OWN}) for id_ in ("secret", "other")]
        await stores.vector(name).upsert(records)
    else:
        await stores.graph(name).upsert_nodes([Node("secret", ("own",), {"v": OWN})])
        await stores.graph(name).upsert_edges([Edge("secret", "own", "other", {"v": OWN})])


async def seen(stores: Stores, kind: Kind) -> list[object]:
    """Return everything that there is to see, by every way of reading all."""
    name = STORE_OF[kind]
    if kind == "kv":
        kv = stores.kv(name)
        return [[(entry.key, entry.value) async for entry in kv.scan()], await kv.count()]
    if kind == "doc":
        doc = stores.doc(name)
        found = (await doc.find(F("v") == OWN)).items
        return [
            [(one.id, one.data) async for one in doc.scan()],
            [one.id for one in found],
            [(one.value, one.count) for one in await doc.count_by("v")],
            await doc.count(),
        ]
    if kind == "vector":
        vector = stores.vector(name)
        hits = await vector.search(unit(0), k=10)
        return [
            sorted([(one.id, one.text) async for one in vector.scan()]),
            [(hit.id, hit.text, hit.metadata) for hit in hits],
            await vector.count(),
        ]
    graph = stores.graph(name)
    return [
        sorted([(node.id, node.properties) async for node in graph.scan_nodes()], key=str),
        [edge.key async for edge in graph.scan_edges()],
        await graph.neighbors("secret"),
        [node.id for node in await graph.top_nodes(10)],
        tuple(await graph.count()),
    ]


async def attack(stores: Stores, kind: Kind, text: str) -> None:
    """Do with `text` whatever takes a text and might reach, change or delete more than its own.

    Being refused is as good as finding nothing.
    """
    async for _ in _attempts(stores, kind, text):
        pass


async def _attempts(stores: Stores, kind: Kind, text: str) -> AsyncIterator[None]:
    """Carry out one attempt after the other, whatever becomes of it."""
    store: Any = handle(stores, kind)
    attempts: list[Any] = []
    if kind == "kv":
        attempts = [
            lambda: _nothing(store.get(text)),
            lambda: _drain(store.scan(text)),
            lambda: store.put(text, "attacker"),
            lambda: store.delete(text),
            lambda: store.missing([text]),
        ]
    elif kind == "doc":
        attempts = [
            lambda: _nothing(store.get(text)),
            lambda: _nobody(store.find(F("v") == text)),
            lambda: _nobody(store.find(F("v").starts_with(text))),
            lambda: _nobody(store.find(F(text) == OWN)),
            lambda: store.put(text, {"v": text, "attacker": True}),
            lambda: store.patch(text, {text: text}),
            lambda: store.delete(filter=F("v").starts_with(text)),
            lambda: store.delete(text),
        ]
    elif kind == "vector":
        attempts = [
            lambda: _nothing(store.get(text)),
            lambda: store.search(unit(0), k=5, filter=F("v") == text),
            lambda: store.upsert([VectorRecord(text, unit(0), text, {"v": text})]),
            lambda: store.update_metadata({text: {"v": text}}),
            lambda: store.delete(filter=F("v").starts_with(text)),
            lambda: store.delete(text),
        ]
    else:
        attempts = [
            lambda: _nothing(store.get_node(text)),
            lambda: store.neighbors(text),
            lambda: store.upsert_edges([Edge(text, text, "attacker")]),
            lambda: store.find_nodes(F("v") == text),
            lambda: store.subgraph([text], depth=3),
            lambda: store.delete_edges([(text, text, "attacker")]),
            lambda: store.delete_nodes([text, "attacker"], detach=True),
        ]
    for attempt in attempts:
        with contextlib.suppress(PolystoreError):
            await attempt()
        yield


async def _nothing(read: Any) -> None:
    assert await read is None


async def _nobody(find: Any) -> None:
    assert (await find).items == []


async def _drain(scan: Any) -> None:
    assert [row async for row in scan] == []


class BackendTenants(BackendTests):
    """Attacks of one tenant on another, over all kinds; what they reach is their own."""

    async def test_names_made_of_another_name(
        self, client: Polystore, config: Mapping[str, Any]
    ) -> None:
        """A tenant that calls itself almost as another sees nothing of it, and drops nothing."""
        victim = fresh_workspace()
        for kind in kinds_of(config):
            own = client.workspace(victim)
            await fill(own, kind)
            before = await seen(own, kind)
            empty = await seen(client.workspace(fresh_workspace()), kind)
            for name in names_of(victim):
                other = client.workspace(name)
                assert await seen(other, kind) == empty, name
            for name in names_of(victim)[:: len(PARTS) // 4]:
                other = client.workspace(name)
                await fill(other, kind)
                assert await _cleared(other, kind) > 0
                assert await seen(other, kind) == empty, name
            assert await seen(own, kind) == before
            await _cleared(own, kind)

    async def test_every_string_in_every_operation(
        self, client: Polystore, config: Mapping[str, Any]
    ) -> None:
        """Keys, ids, prefixes, filters, fields and types cannot be made to reach another tenant."""
        victim = fresh_workspace()
        for kind in kinds_of(config):
            own, attacker = client.workspace(victim), client.workspace(fresh_workspace())
            await fill(own, kind)
            before = await seen(own, kind)
            for text in keys_of(victim):
                await attack(attacker, kind, text)
            assert await seen(own, kind) == before
            await _cleared(attacker, kind)
            assert await seen(own, kind) == before
            await _cleared(own, kind)

    async def test_a_cursor_of_another_tenant(
        self, client: Polystore, config: Mapping[str, Any]
    ) -> None:
        """A page's cursor, taken to another tenant, leads to that tenant's rows or nowhere."""
        if "doc" not in kinds_of(config):
            return
        own, attacker = (client.workspace(fresh_workspace()) for _ in range(2))
        name = STORE_OF["doc"]
        await own.doc(name).put_many({f"d{n}": {"v": OWN} for n in range(5)})
        page = await own.doc(name).find(limit=2)
        assert page.cursor is not None
        with contextlib.suppress(PolystoreError):
            assert (await attacker.doc(name).find(limit=2, cursor=page.cursor)).items == []

    async def test_a_session_of_another_tenant(
        self, client: Polystore, config: Mapping[str, Any]
    ) -> None:
        """What a unit of work of one tenant has written, no other tenant sees in it or after."""
        kinds = kinds_of(config)
        live = opened_backend(client).backend.capabilities(kinds[0])
        if live is None or Feature.TRANSACTION not in live.features:
            return
        own, attacker = (client.workspace(fresh_workspace()) for _ in range(2))
        for kind in kinds:
            empty = await seen(attacker, kind)
            async with own.unit_of_work(STORE_OF[kind]) as unit_:
                await fill(unit_, kind)
                assert await seen(attacker, kind) == empty
            assert await seen(attacker, kind) == empty
            await _cleared(own, kind)


async def _cleared(stores: Stores, kind: Kind) -> int:
    return await handle(stores, kind).clear()
