"""Opening polystore on a Redis of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polystore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore import Polystore

STORES = {
    "things": {"kind": "kv"},
    "papers": {"kind": "doc", "indexes": ["group", "-n", ["group", "-n"]]},
}


def settings_of(block: Mapping[str, Any], stores: Mapping[str, Any] = STORES) -> dict[str, Any]:
    """Return the settings of one `use: redis` block."""
    return {"backends": {"main": {"use": "redis", **block}}, "stores": dict(stores)}


def client_of(block: Mapping[str, Any], stores: Mapping[str, Any] = STORES) -> Polystore:
    """Return a client, not entered, of one `use: redis` block."""
    return polystore.open(settings_of(block, stores), schema="auto")
