"""What a plugin says about itself holds, and every kind it serves is tested."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

from polystore.backend import CONTRACT_VERSION
from polystore.capabilities import KINDS, Feature, Kind
from polystore.errors import UnsupportedError
from polystore.filters import OPERATORS
from polystore.testing.backend.base import STORE_OF, BackendTests, handle, kinds_of, opened_backend
from polystore.testing.checks import assert_raises
from polystore.testing.doc import DocSuite
from polystore.testing.graph import GraphSuite
from polystore.testing.kv import KVSuite
from polystore.testing.opening import METRIC_STORES, STORES, info_of, open_with
from polystore.testing.outcomes import not_applicable, note_declared, note_refused
from polystore.testing.vector import VectorSuite

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore.client import Polystore

SUITES: Final[dict[Kind, type]] = {
    "kv": KVSuite,
    "vector": VectorSuite,
    "graph": GraphSuite,
    "doc": DocSuite,
}


class BackendDeclared(BackendTests):
    """Declarations."""

    async def test_every_kind_has_its_suite(
        self, config: Mapping[str, Any], request: pytest.FixtureRequest
    ) -> None:
        """The file of this class has a suite for every kind, under a name that pytest collects."""
        module = request.node.getparent(pytest.Module)
        assert module is not None
        classes = [
            c
            for name, c in vars(sys.modules[type(self).__module__]).items()
            if isinstance(c, type) and module.istestclass(c, name)
        ]
        for kind in kinds_of(config):
            suite = SUITES[kind]
            run = [c for c in classes if issubclass(c, suite) and c is not suite]
            assert run, f"the backend declares {kind}: add `class Test...({suite.__name__}): ...`"

    async def test_declarations_make_sense(self, config: Mapping[str, Any]) -> None:
        """Kinds, operators, limits and the contract version are ones that exist."""
        info = info_of(config)
        assert info.contract == CONTRACT_VERSION
        assert info.at_most, "a backend serves at least one kind"
        assert set(info.at_most) <= set(KINDS)
        for capabilities in info.at_most.values():
            assert capabilities.filters <= set(OPERATORS)
            assert capabilities.limits.key_bytes >= 512
            assert capabilities.limits.batch_rows >= 1
            assert capabilities.limits.atomic_batch >= 1
            assert capabilities.limits.batch_rows >= 2 or capabilities.limits.atomic_batch == 1

    async def test_live_capabilities_are_within_bounds(
        self, client: Polystore, config: Mapping[str, Any]
    ) -> None:
        """What the server can do, and what each driver can do, exceeds at_most in nothing."""
        info, opened = info_of(config), opened_backend(client)
        for kind, at_most in info.at_most.items():
            live = opened.backend.capabilities(kind)
            assert live is not None, f"this server does not serve {kind}"
            assert list(live.excess_over(at_most)) == []
            bound = await client.runtime.bound(kind, STORE_OF[kind]).ready()
            assert list(bound.capabilities.excess_over(at_most)) == []
            if kind in info.at_least:
                promised = info.at_least[kind]
                assert promised.features <= live.features
                assert promised.filters <= live.filters

    async def test_undeclared_metrics_are_refused(self, config: Mapping[str, Any]) -> None:
        """A vector store of a metric that the backend does not have is refused at open."""
        at_most = info_of(config).at_most
        if "vector" not in at_most:
            not_applicable("the backend serves no vector")
            return
        assert Feature.METRIC_COSINE in at_most["vector"].features
        for name, feature in METRIC_STORES.items():
            if feature in at_most["vector"].features:
                continue
            stores = {name: STORES["vector"][name]}
            await assert_raises(UnsupportedError, lambda s=stores: open_with(config, s).start())
            note_refused(feature)
        if set(METRIC_STORES.values()) <= at_most["vector"].features:
            not_applicable("every metric is declared")

    async def test_undeclared_kinds_are_refused(self, config: Mapping[str, Any]) -> None:
        """A store of a kind that the backend does not serve is refused at open."""
        if set(KINDS) == set(kinds_of(config)):
            not_applicable("every kind is served")
        for kind in set(KINDS) - set(kinds_of(config)):
            stores = {STORE_OF[kind]: STORES[kind][STORE_OF[kind]]}
            await assert_raises(UnsupportedError, lambda s=stores: open_with(config, s).start())
            note_refused(f"kind {kind}")

    async def test_undeclared_consistency_is_refused(self, client: Polystore) -> None:
        """`strong` reads work where declared, and are refused elsewhere."""
        opened = opened_backend(client)
        for kind in opened.info.at_most:
            live = opened.backend.capabilities(kind)
            assert live is not None
            store = handle(client, kind)
            strong = store.with_options(consistency="strong")
            if Feature.STRONG_READS in live.features:
                note_declared(f"{kind} {Feature.STRONG_READS}", declared=True)
                await strong.count()
            else:
                await assert_raises(UnsupportedError, strong.count)
                note_refused(f"{kind} {Feature.STRONG_READS}")
            await store.with_options(consistency="eventual").count()

    async def test_raw(self, client: Polystore) -> None:
        """The way to the driver is there, and the server answers."""
        opened = opened_backend(client)
        assert client.raw(opened.name) is not None
        assert [health.ok for health in await client.health()] == [True]
