"""What every key-value store promises."""

from __future__ import annotations

from polystore.testing.kv.basics import KVBasics
from polystore.testing.kv.batches import KVBatches
from polystore.testing.kv.expiry import KVExpiry
from polystore.testing.kv.refusals import KVRefusals
from polystore.testing.kv.scans import KVScans
from polystore.testing.kv.values import KVValues
from polystore.testing.kv.versions import KVVersions
from polystore.testing.kv.workspaces import KVWorkspaces


class KVSuite(
    KVBasics, KVValues, KVBatches, KVVersions, KVExpiry, KVScans, KVRefusals, KVWorkspaces
):
    """Every promise of `polystore.stores.kv.KVStore`."""


__all__ = ["KVSuite"]
