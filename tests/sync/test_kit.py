"""The conformance kit through the synchronous client: it answers what the asynchronous one does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sync.through import Face
from typing_extensions import override

import polystore.sync
from polystore.testing import DocSuite, GraphSuite, KVSuite, VectorSuite
from polystore.testing.opening import stores_for, with_stores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from polystore.capabilities import Kind


class ThroughSync:
    """Replaces the client of a suite."""

    kind: Kind

    @pytest.fixture(scope="class")
    @classmethod
    def config(cls) -> dict[str, Any]:
        return {"backends": {"main": {"use": "memory"}}}

    @pytest.fixture(scope="class")
    @classmethod
    def client(cls, config: dict[str, Any]) -> Iterator[Any]:
        with polystore.sync.open(
            with_stores(config, stores_for(config, cls.kind)), schema="auto"
        ) as client:
            yield Face(client)


class TestKV(ThroughSync, KVSuite): ...


class TestVector(ThroughSync, VectorSuite): ...


class TestGraph(ThroughSync, GraphSuite): ...


class TestDoc(ThroughSync, DocSuite): ...


class TestKVOnPostgres(TestKV):
    """A real engine under it all; one kind is enough to show that waiting for it works."""

    @pytest.fixture(scope="class")
    @classmethod
    @override
    def config(cls, embedded: dict[str, Any]) -> dict[str, Any]:
        return {"backends": embedded["backends"]}
