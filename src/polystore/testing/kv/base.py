"""The store that all key-value tests work on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from polystore.testing.opening import Suite

if TYPE_CHECKING:
    from polystore.client import Workspace
    from polystore.stores.kv import KVStore


class KVTests(Suite):
    """Base of the key-value tests."""

    kind = "kv"

    @pytest.fixture
    def kv(self, space: Workspace) -> KVStore:
        """Return a key-value store with nothing in it."""
        return space.kv("kit_kv")
