"""Workspaces of a vector store never meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.filters import F
from polystore.testing.values import WORKSPACES
from polystore.testing.vector.base import VectorTests, record, unit

if TYPE_CHECKING:
    from polystore.client import Polystore


class VectorWorkspaces(VectorTests):
    """Tenants."""

    async def test_workspaces_never_meet(self, client: Polystore) -> None:
        """Reads, searches, counts, patches and deletes see their own workspace only."""
        stores = {name: client.workspace(name).vector("kit_vectors") for name in WORKSPACES}
        for vectors in stores.values():
            await vectors.clear()  # these names are fixed; an earlier run may have been cut short
        for name, vectors in stores.items():
            await vectors.upsert([record("same", v=name), record(name, unit(1))])
        for name, vectors in stores.items():
            stored = await vectors.get("same")
            assert stored is not None
            assert stored.metadata == {"v": name}
            for exact in (True, False):
                hits = await vectors.search(unit(0), exact=exact)
                assert [hit.id for hit in hits] == ["same", name]
            assert await vectors.count() == 2
            assert await vectors.count(F("v").exists()) == 1
            assert await vectors.update_metadata({"same": {"p": 1}, "none": {}}) == ["none"]
        left = list(stores)
        while left:
            name = left.pop(0)
            if len(left) % 2:
                assert await stores[name].clear() == 2
            else:
                assert await stores[name].delete(filter=F("p") == 1) == 1
                assert await stores[name].delete(name) == 1
            assert [await stores[other].count() for other in left] == [2] * len(left)
