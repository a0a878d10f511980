"""What all tests of a backend share: its kinds, a row of each, and what is left of it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import pytest_asyncio

from polystore.capabilities import Feature
from polystore.testing.checks import fresh_workspace
from polystore.testing.opening import Suite, info_of, observe, open_with, stores_for
from polystore.testing.vector.base import unit
from polystore.types.records import Edge, Node, VectorRecord

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    from polystore.capabilities import Kind
    from polystore.client import Polystore, Stores
    from polystore.runtime import OpenBackend
    from polystore.tenants import AnyStore
    from polystore.units.unit import UnitOfWork

S = TypeVar("S", bound="AnyStore")

STORE_OF: dict[Kind, str] = {
    "kv": "kit_kv",
    "doc": "kit_docs",
    "vector": "kit_vectors",
    "graph": "kit_graph",
}


NO_TRANSACTIONS = "no kind declares transaction"
NOT_SHARED = "clients of this engine share nothing (clients_share = False)"


def unserved(config: Mapping[str, Any], kind: Kind) -> str | None:
    """Return, as a reason, that the backend does not serve `kind`; None if it does."""
    return None if kind in kinds_of(config) else f"the backend serves no {kind}"


def kinds_of(config: Mapping[str, Any]) -> tuple[Kind, ...]:
    """Return the kinds that the backend serves."""
    return tuple(info_of(config).at_most)


def opened_backend(client: Stores) -> OpenBackend:
    """Return the one backend of a client."""
    (opened,) = client.runtime.backends.values()
    return opened


def handle(stores: Stores | UnitOfWork, kind: Kind) -> AnyStore:
    """Return the handle on the store of `kind`."""
    getters = {"kv": stores.kv, "doc": stores.doc, "vector": stores.vector, "graph": stores.graph}
    return getters[kind](STORE_OF[kind])


async def freshest(store: S) -> S:
    """Return the store with reads that see what every client has stored, if it can promise that."""
    strong = Feature.STRONG_READS in (await store.capabilities()).features
    return store.with_options(consistency="strong") if strong else store


async def write(stores: Stores | UnitOfWork, kind: Kind, id_: str, value: int = 0) -> None:
    """Store a row `id_` in the store of `kind`."""
    name = STORE_OF[kind]
    if kind == "kv":
        await stores.kv(name).put(id_, value)
    elif kind == "doc":
        await stores.doc(name).put(id_, {"n": value})
    elif kind == "vector":
        await stores.vector(name).upsert([VectorRecord(id_, unit(0), "zebra", {"n": value})])
    else:
        await stores.graph(name).upsert_nodes([Node(id_, (), {"n": value})])
        await stores.graph(name).upsert_edges([Edge(id_, "t", id_, {"n": value})])


async def read(stores: Stores | UnitOfWork, kind: Kind, id_: str) -> int | None:
    """Return the value of the row `id_`, or None if it is absent."""
    return await value_of(handle(stores, kind), kind, id_)


async def value_of(store: Any, kind: Kind, id_: str) -> int | None:
    """Return the value of the row `id_` of a store of `kind`, or None if it is absent."""
    if kind == "kv":
        return await store.get(id_)
    if kind == "doc":
        data = await store.get(id_)
        return None if data is None else data["n"]
    if kind == "vector":
        stored = await store.get(id_)
        return None if stored is None else stored.metadata["n"]
    edge = await store.get_edge(id_, "t", id_)
    return None if edge is None else edge.properties["n"]


async def count(stores: Stores | UnitOfWork, kind: Kind) -> int:
    """Return how many rows the store of `kind` has."""
    return await number_of(handle(stores, kind), kind)


async def number_of(store: Any, kind: Kind) -> int:
    """Return how many rows a store of `kind` has."""
    return (await store.count()).nodes if kind == "graph" else await store.count()


class BackendTests(Suite):
    """Base of the backend tests."""

    clients_share: ClassVar[bool] = True

    @pytest_asyncio.fixture(scope="class", loop_scope="class")
    @classmethod
    async def client(cls, config: Mapping[str, Any]) -> AsyncIterator[Polystore]:
        """Yield the client that the tests of this class share, with stores of every kind."""
        async with open_with(config, stores_for(config, *kinds_of(config))) as client:
            observe(cls, config, client)
            yield client

    @asynccontextmanager
    async def other(
        self, config: Mapping[str, Any], workspace: str | None = None
    ) -> AsyncGenerator[Stores]:
        """Open another client with the same stores, and yield a view of a workspace of it."""
        async with open_with(config, stores_for(config, *kinds_of(config))) as client:
            yield client.workspace(workspace or fresh_workspace())
