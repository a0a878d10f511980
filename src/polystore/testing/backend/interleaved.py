"""Random operations by two clients on two workspaces at the same time, each against a model."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from polystore.capabilities import Feature
from polystore.testing.backend.base import (
    STORE_OF,
    BackendTests,
    freshest,
    kinds_of,
    unserved,
)
from polystore.testing.checks import fresh_workspace
from polystore.testing.models import doc, graph, kv, vector
from polystore.testing.opening import open_with, stores_for
from polystore.testing.outcomes import not_applicable
from polystore.testing.strategies import few

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from polystore.capabilities import Kind
    from polystore.client import Polystore
    from polystore.tenants import AnyStore

    Clients = tuple[Polystore, Polystore]


class Model(Protocol):
    """What a store has to hold; its other methods are the steps."""

    async def whole(self, store: Any, /) -> None:
        """Compare everything."""


def plans(steps: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return two lists of steps, each with the number of the client that takes it."""
    plan = st.lists(st.tuples(st.integers(0, 1), steps), max_size=20)
    return st.tuples(plan, plan)


OPERATORS: Final = {"eq", "ne", "not"}
"""What the models' questions need."""


class BackendInterleaved(BackendTests):
    """Interleaving."""

    @pytest_asyncio.fixture(scope="class", loop_scope="class")
    @classmethod
    async def clients(cls, client: Polystore, config: Mapping[str, Any]) -> AsyncIterator[Clients]:
        """Yield two clients of the configuration; the same one twice, where they share nothing."""
        if not cls.clients_share:
            yield client, client
            return
        async with open_with(config, stores_for(config, *kinds_of(config))) as other:
            yield client, other

    @few
    @given(taken=plans(kv.STEPS))
    async def test_kv(self, clients: Clients, config: Mapping[str, Any], taken: Any) -> None:
        """Key-value stores do what a dictionary does."""
        await _interleave(clients, config, "kv", taken, kv.KVModel)

    @few
    @given(taken=plans(doc.STEPS))
    async def test_doc(self, clients: Clients, config: Mapping[str, Any], taken: Any) -> None:
        """Document stores do what a dictionary does."""
        await _interleave(clients, config, "doc", taken, doc.DocModel)

    @few
    @given(taken=plans(graph.STEPS), directed=st.booleans())
    async def test_graph(
        self, clients: Clients, config: Mapping[str, Any], taken: Any, directed: bool
    ) -> None:
        """Graphs, directed or not, do what two dictionaries do."""
        name = STORE_OF["graph"] if directed else "kit_undirected"
        await _interleave(
            clients, config, "graph", taken, lambda: graph.GraphModel(directed=directed), name
        )

    @few
    @given(taken=plans(vector.STEPS))
    async def test_vector(self, clients: Clients, config: Mapping[str, Any], taken: Any) -> None:
        """Vector stores do what a dictionary and NumPy do."""
        if unserved(config, "vector"):
            not_applicable(unserved(config, "vector") or "")
            return
        features = (await clients[0].vector(STORE_OF["vector"]).capabilities()).features
        filters = Feature.FILTER in features
        await _interleave(
            clients, config, "vector", taken, lambda: vector.VectorModel(filters=filters)
        )


async def _interleave(
    clients: Clients,
    config: Mapping[str, Any],
    kind: Kind,
    taken: Any,
    new: Callable[[], Model],
    store: str | None = None,
) -> None:
    """Take the steps of two plans at the same time, each in a workspace of its own."""
    reason = unserved(config, kind)
    if reason is None and kind in {"doc", "vector"}:
        name = STORE_OF[kind]
        declared = (await getattr(clients[0], kind)(name).capabilities()).filters
        if not declared >= OPERATORS:
            reason = f"{kind} does not declare {', '.join(sorted(OPERATORS - declared))}"
    if reason is not None:
        not_applicable(reason)
        return
    tag = fresh_workspace()

    async def follow(plan: Any, workspace: str) -> None:
        model = new()
        views = [client.workspace(workspace) for client in clients]
        handles = (getattr(view, kind)(store or STORE_OF[kind]) for view in views)
        stores: list[AnyStore] = [await freshest(handle) for handle in handles]
        for client, (step, *given_) in plan:
            await getattr(model, step)(stores[client], *given_)
        for handle in stores:
            await model.whole(handle)

    # Names that a careless encoding would mix up.
    await asyncio.gather(follow(taken[0], f"{tag}-a"), follow(taken[1], f"{tag}_a"))
