"""Opening polystore on a Neo4j of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polystore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore import Polystore


def client_of(block: Mapping[str, Any]) -> Polystore:
    """Return a client, not entered, with one graph."""
    stores = {"knowledge": {"kind": "graph"}}
    return polystore.open({"backends": {"main": dict(block)}, "stores": stores}, schema="auto")
