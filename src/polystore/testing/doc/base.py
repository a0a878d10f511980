"""The stores that all document tests work on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from polystore.testing.opening import Suite

if TYPE_CHECKING:
    from polystore.client import Workspace
    from polystore.stores.doc import DocStore

INDEXED = "kit_docs"
LOOSE = "kit_loose_docs"


class DocTests(Suite):
    """Base of the document tests."""

    kind = "doc"

    @pytest.fixture
    def docs(self, space: Workspace) -> DocStore:
        """Return a document store with nothing in it, with indexes."""
        return space.doc(INDEXED)

    @pytest.fixture(params=[INDEXED, LOOSE])
    def either(self, space: Workspace, request: pytest.FixtureRequest) -> DocStore:
        """Return a document store with nothing in it: with indexes, and without any."""
        return space.doc(request.param)
