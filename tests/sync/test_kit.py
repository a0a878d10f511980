"""The conformance kit through the synchronous client: it answers what the asynchronous one does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from sync.through import Face

import polystore.sync
from polystore.testing import DocSuite, GraphSuite, KVSuite, VectorSuite
from polystore.testing.opening import stores_for, with_stores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from polystore.capabilities import Kind


@pytest.fixture(scope="module", params=["memory", "embedded"])
def config(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.param == "memory":
        return {"backends": {"main": {"use": "memory"}}}
    return {"backends": cast("dict[str, Any]", request.getfixturevalue("embedded"))["backends"]}


class ThroughSync:
    """Replaces the client of a suite."""

    kind: Kind

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
