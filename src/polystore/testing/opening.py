"""From the author's configuration of one backend to clients with the kit's own stores."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from polystore.capabilities import Feature
from polystore.client import Polystore, Workspace
from polystore.client import open as open_client
from polystore.plugins.registry import Registry
from polystore.testing.checks import fresh_workspace
from polystore.testing.contracts import is_kit
from polystore.testing.outcomes import Observed, note_backend, override_reason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from polystore.backend import BackendInfo
    from polystore.capabilities import Capabilities, Kind

Stores = dict[str, dict[str, Any]]

DIMENSIONS: Final = 8
FIELDS: Final = {
    "text": "string",
    "whole": "integer",
    "number": "number",
    "flag": "boolean",
    "time": "datetime",
    "tags": "array",
    "in.side": "string",
}
"""Metadata that the store `kit_typed` declares."""

STORES: Final[dict[Kind, Stores]] = {
    "kv": {"kit_kv": {"kind": "kv"}},
    "doc": {
        "kit_docs": {
            "kind": "doc",
            "indexes": ["v", "-n", ["group", "-n"], "in.x", "meta:created_at"],
        },
        "kit_loose_docs": {"kind": "doc"},
    },
    "vector": {
        "kit_vectors": {"kind": "vector", "dimensions": DIMENSIONS},
        "kit_ip": {"kind": "vector", "dimensions": DIMENSIONS, "metric": "ip"},
        "kit_l2": {"kind": "vector", "dimensions": DIMENSIONS, "metric": "l2"},
        "kit_flat": {"kind": "vector", "dimensions": DIMENSIONS, "index": {"type": "none"}},
        "kit_typed": {"kind": "vector", "dimensions": DIMENSIONS, "fields": FIELDS},
    },
    "graph": {
        "kit_graph": {"kind": "graph", "indexes": ["v"]},
        "kit_undirected": {"kind": "graph", "directed": False},
    },
}
"""The stores that suites use. They never change, so that a database can be used again."""


METRIC_STORES: Final = {
    "kit_ip": Feature.METRIC_IP,
    "kit_l2": Feature.METRIC_L2,
}
"""Stores that need a metric which a backend may lack; cosine is what every vector store has."""


def info_of(config: Mapping[str, Any]) -> BackendInfo:
    """Return what the plugin of the configured backend says about it."""
    (block,) = config["backends"].values()
    return Registry().backend_info(block["use"])


def stores_for(config: Mapping[str, Any], *kinds: Kind) -> Stores:
    """Return the kit's stores of some kinds, without those that the backend cannot have."""
    at_most = info_of(config).at_most
    stores = {name: spec for kind in kinds for name, spec in STORES[kind].items()}
    for name, feature in METRIC_STORES.items():
        if name in stores and feature not in at_most["vector"].features:
            del stores[name]
    return stores


def with_stores(config: Mapping[str, Any], stores: Mapping[str, Any]) -> dict[str, Any]:
    """Return `config` with exactly these stores.

    Raises:
        pytest.UsageError: It does not have exactly one backend.
    """
    backends: Mapping[str, Mapping[str, Any]] = config.get("backends", {})
    if len(backends) != 1:
        raise pytest.UsageError("the fixture `config` must yield exactly one backend")
    return {**config, "stores": dict(stores)}


def open_with(config: Mapping[str, Any], stores: Mapping[str, Any]) -> Polystore:
    """Return a client, not yet entered, of the author's backend with these stores."""
    # The kit has to create its stores, also on a backend that by default checks only.
    return open_client(with_stores(config, stores), schema="auto")


def observe(suite: type[Suite], config: Mapping[str, Any], client: Polystore) -> None:
    """Note for the report which backend a suite has found, and what it can do."""
    (opened,) = client.runtime.backends.values()
    live: dict[Kind, Capabilities] = {}
    for kind in opened.info.at_most:
        capabilities = opened.backend.capabilities(kind)
        if capabilities is not None:
            live[kind] = capabilities
    note_backend(suite.__module__, Observed(info_of(config).name, opened.info, live))


@pytest.mark.asyncio(loop_scope="class")
class Suite:
    """Base of all suites: one client and event loop per class, a fresh workspace per test.

    The fixture `config` comes from the author; see `polystore.testing`.
    """

    kind: Kind

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse a test that hides another of the same name, unless it says why.

        Raises:
            TypeError: A test has no `@overrides("reason")` and hides one that would never run.
        """
        super().__init_subclass__(**kwargs)
        names = {name for base in cls.__mro__ for name in vars(base) if name.startswith("test_")}
        for name in sorted(names):
            owners = [base for base in cls.__mro__ if name in vars(base)]
            for owner, hidden in pairwise(owners):
                if is_kit(owner.__module__) or override_reason(vars(owner)[name]) is None:
                    raise TypeError(
                        f"{cls.__name__}: {name} of {owner.__name__} hides that of "
                        f'{hidden.__name__}; an override needs @overrides("the reason")'
                    )

    @pytest_asyncio.fixture(scope="class", loop_scope="class")
    @classmethod
    async def client(cls, config: Mapping[str, Any]) -> AsyncIterator[Polystore]:
        """Yield the client that the tests of this class share."""
        async with open_with(config, stores_for(config, cls.kind)) as client:
            observe(cls, config, client)
            yield client

    @pytest.fixture
    def space(self, client: Polystore) -> Workspace:
        """Return a view of the client on a workspace of this test's own."""
        return client.workspace(fresh_workspace())
