"""The kit on every broken backend, and on the sound one; run by test_broken.py, not by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from broken import backend_faults, doc_faults, graph_faults, kv_faults, vector_faults
from broken.fault import FAULTS
from polystore.testing import BackendSuite, DocSuite, GraphSuite, KVSuite, VectorSuite, checks

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from polystore.testing.opening import Suite

LOADED = (backend_faults, doc_faults, graph_faults, kv_faults, vector_faults)
SUITES: Final[dict[str, type[Suite]]] = {
    "backend": BackendSuite,
    "kv": KVSuite,
    "doc": DocSuite,
    "vector": VectorSuite,
    "graph": GraphSuite,
}
PATIENCE = 2.0
"""Seconds that the kit waits here for what will never happen."""


def make(
    name: str, suite: type[Suite], tests: set[str], apply: Callable[[pytest.MonkeyPatch], None]
) -> type[Suite]:
    """Return a suite of which only `tests` run, on the memory backend after `apply`."""

    @pytest.fixture(scope="class")
    @classmethod
    def config(_cls: type[Suite]) -> Generator[dict[str, Any]]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(checks, "WAIT", PATIENCE)
            apply(patch)
            yield {"backends": {"main": {"use": "memory", "shared": f"broken {name}"}}}

    body = {"config": config, "selected": tests, "__module__": __name__}
    return type(f"Test_{name}", (suite,), body)


def _all() -> dict[str, type[Suite]]:
    made = [make(f.name, SUITES[f.suite], {f.test}, f.apply) for f in FAULTS.values()]
    for kind, suite in SUITES.items():
        tests = {fault.test for fault in FAULTS.values() if fault.suite == kind}
        made.append(make(f"sound_{kind}", suite, tests, lambda _: None))
    return {suite.__name__: suite for suite in made}


globals().update(_all())
