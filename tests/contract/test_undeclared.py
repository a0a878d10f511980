"""The kit on the reference backend while it declares little: what is undeclared is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from polystore.capabilities import Feature
from polystore.testing import BackendSuite, DocSuite, GraphSuite, KVSuite, VectorSuite
from polystore_memory.plugin import CAPABILITIES

if TYPE_CHECKING:
    from collections.abc import Generator

KEPT = frozenset({Feature.METRIC_COSINE})
OPERATORS = frozenset({"eq", "ne", "gt", "gte", "exists", "in", "and", "not"})
"""Enough for the questions that tests of other things ask."""


@pytest.fixture(scope="module")
def config() -> Generator[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        for kind, capabilities in CAPABILITIES.items():
            less = replace(
                capabilities,
                features=capabilities.features & KEPT,
                native_filters=OPERATORS,
                limits=replace(capabilities.limits, batch_rows=40, atomic_batch=40),
            )
            patch.setitem(CAPABILITIES, kind, less)
        yield {"backends": {"main": {"use": "memory", "shared": "undeclared"}}}


class TestBackend(BackendSuite): ...


class TestKV(KVSuite): ...


class TestVector(VectorSuite): ...


class TestGraph(GraphSuite): ...


class TestDoc(DocSuite): ...
