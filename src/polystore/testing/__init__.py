"""The conformance kit: what a backend has to do, as tests that its author runs.

Install `polystore-core[testing]` and write one file:

    import pytest
    from polystore.testing import BackendSuite, DocSuite, GraphSuite, KVSuite, VectorSuite

    @pytest.fixture(scope="module")
    def config():
        return {"backends": {"main": {"use": "memory"}}}

    class TestBackend(BackendSuite): ...
    class TestKV(KVSuite): ...
    class TestVector(VectorSuite): ...
    class TestGraph(GraphSuite): ...
    class TestDoc(DocSuite): ...

`config` yields a configuration with exactly one backend and no stores; the kit adds its own and
creates them. It may be a fixture of the module, or one of each class (then with `@classmethod`
below `@pytest.fixture(scope="class")`); it must not be narrower than a class, as all tests of a
class share one client. The engine may be used before and again: each test works in a workspace of
its own, and the stores are always the same.

A suite has one test for each promise. What the live capabilities declare has to work; what they
do not declare has to raise UnsupportedError and leave the data as it was: the same tests check
that instead, none is skipped. An engine that lives inside one client says `clients_share = False`
in its `BackendSuite`. A test may be overridden only under `@overrides("the reason")`.
`BackendSuite` fails where a kind of `at_most` has no suite in the same file.

    pytest -p polystore.testing.report --polystore-report DIR

writes what was declared and what was observed for each contract: as JSON, Markdown and a badge.
"""

from __future__ import annotations

import pytest

# Failing assertions of the kit explain themselves in an author's run too. It has to be said before
# the modules are imported, which is why the imports below do not stand at the top.
pytest.register_assert_rewrite(
    *(
        f"polystore.testing.{name}"
        for name in ("backend", "checks", "doc", "filters", "graph", "kv", "models", "vector")
    )
)

from polystore.testing.backend import BackendSuite  # noqa: E402 - see above
from polystore.testing.doc import DocSuite  # noqa: E402 - see above
from polystore.testing.graph import GraphSuite  # noqa: E402 - see above
from polystore.testing.kv import KVSuite  # noqa: E402 - see above
from polystore.testing.outcomes import overrides  # noqa: E402 - see above
from polystore.testing.vector import VectorSuite  # noqa: E402 - see above

__all__ = ["BackendSuite", "DocSuite", "GraphSuite", "KVSuite", "VectorSuite", "overrides"]
