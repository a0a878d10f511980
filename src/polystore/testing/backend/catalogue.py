"""A store is remembered: opening it as something else is refused, with the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from polystore.client import open as open_client
from polystore.errors import SchemaMismatch, StoreNotFound
from polystore.testing.backend.base import NOT_SHARED, BackendTests, kinds_of, unserved
from polystore.testing.checks import assert_raises, fresh_workspace
from polystore.testing.opening import STORES, Stores, info_of, open_with, stores_for, with_stores
from polystore.testing.outcomes import not_applicable
from polystore.types.records import Edge, VectorRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore.client import Polystore

REMEMBERED: Final[Stores] = {
    "kit_remembered": {
        "kind": "vector",
        "dimensions": 4,
        "metric": "cosine",
        "embedding_model": "model-a",
        "fields": {"year": "integer"},
    },
}
OTHERWISE: Final[tuple[dict[str, Any], ...]] = (
    {"dimensions": 5},
    {"dimensions": 3},
    {"metric": "l2"},
    {"metric": "ip"},
    {"embedding_model": "model-b"},
    {"embedding_model": None},
    {"fields": {"year": "string"}},
)


class BackendCatalogue(BackendTests):
    """The catalogue."""

    async def test_a_vector_store_is_what_it_was(self, config: Mapping[str, Any]) -> None:
        """Other dimensions, metric, model or field types are refused; the data stays usable."""
        if "vector" not in kinds_of(config) or not self.clients_share:
            not_applicable(unserved(config, "vector") or NOT_SHARED)
            return
        space = fresh_workspace()
        async with open_with(config, REMEMBERED) as client:
            store = client.workspace(space).vector("kit_remembered")
            await store.upsert([VectorRecord("a", [1, 0, 0, 0], None, {"year": 1})])
        features = info_of(config).at_most["vector"].features
        for change in OTHERWISE:
            if "metric" in change and f"metric_{change['metric']}" not in features:
                continue  # refused for another reason, which another test proves
            stores = {"kit_remembered": REMEMBERED["kit_remembered"] | change}
            error = await assert_raises(
                SchemaMismatch, lambda s=stores: open_with(config, s).start(), about=change
            )
            assert error.hint, change
            assert next(iter(change)).split("s")[0] in str(error), change
        async with open_with(config, REMEMBERED) as client:
            store = client.workspace(space).vector("kit_remembered")
            stored = await store.get("a")
            assert stored is not None
            assert np.array_equal(np.asarray(stored.vector), [1, 0, 0, 0])

    async def test_a_graph_keeps_its_direction(self, config: Mapping[str, Any]) -> None:
        """A directed graph does not become undirected, nor the other way round."""
        if "graph" not in kinds_of(config) or not self.clients_share:
            not_applicable(unserved(config, "graph") or NOT_SHARED)
            return
        async with open_with(config, STORES["graph"]) as client:
            space = client.workspace(fresh_workspace())
            await space.graph("kit_graph").upsert_edges([Edge("b", "t", "a")])
            for name, directed in (("kit_graph", False), ("kit_undirected", True)):
                stores = {name: STORES["graph"][name] | {"directed": directed}}
                error = await assert_raises(
                    SchemaMismatch, lambda s=stores: open_with(config, s).start(), about=name
                )
                assert error.hint
            assert (await space.graph("kit_graph").count()).edges == 1

    async def test_a_store_keeps_its_kind(
        self, client: Polystore, config: Mapping[str, Any]
    ) -> None:
        """The name of a store of one kind cannot be opened as another kind."""
        if not self.clients_share:
            not_applicable(NOT_SHARED)
            return
        kinds = kinds_of(config)
        for kind in kinds:
            name = next(iter(STORES[kind]))
            for other in kinds:
                if other == kind:
                    continue
                stores = {name: dict(STORES[other][next(iter(STORES[other]))])}
                await assert_raises(
                    SchemaMismatch,
                    lambda s=stores: open_with(config, s).start(),
                    about=f"{kind} {name} as {other}",
                )
        assert await client.plan() == []

    async def test_undeclared_stores(self, client: Polystore, config: Mapping[str, Any]) -> None:
        """Where stores are declared, a misspelt one is an error, and so is a wrong kind."""
        for kind in kinds_of(config):
            name = next(iter(STORES[kind]))

            async def misspelt(kind: Any = kind, name: str = name) -> None:
                getattr(client, kind)(f"{name}x")

            await assert_raises(StoreNotFound, misspelt)
            for other in kinds_of(config):
                if other != kind:

                    async def as_other(other: Any = other, name: str = name) -> None:
                        getattr(client, other)(name)

                    await assert_raises(StoreNotFound, as_other, about=f"{name} as {other}")

    async def test_check_changes_nothing(self, config: Mapping[str, Any]) -> None:
        """With `schema: check` a store that does not exist is refused, and is not made."""
        for kind in kinds_of(config):
            spec = next(iter(STORES[kind].values()))
            stores = {f"kit_never_made_{kind}": spec}
            for _ in range(2):
                error = await assert_raises(
                    SchemaMismatch,
                    lambda s=stores: open_client(with_stores(config, s), schema="check").start(),
                )
                assert "apply" in str(error)

    async def test_check_accepts_what_is_there(
        self, client: Polystore, config: Mapping[str, Any]
    ) -> None:
        """With `schema: check` stores that exist as declared are opened."""
        assert await client.plan() == []
        if not self.clients_share:
            return  # another client has an engine of its own, in which nothing exists
        stores = stores_for(config, *kinds_of(config))
        async with open_client(with_stores(config, stores), schema="check") as other:
            assert await other.plan() == []
