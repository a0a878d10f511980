"""Workspaces of a document store never meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.filters import F
from polystore.testing.doc.base import INDEXED, DocTests
from polystore.testing.values import WORKSPACES

if TYPE_CHECKING:
    from polystore.client import Polystore


class DocWorkspaces(DocTests):
    """Tenants."""

    async def test_workspaces_never_meet(self, client: Polystore) -> None:
        """Reads, counts, filters and deletes see their own workspace only."""
        stores = {name: client.workspace(name).doc(INDEXED) for name in WORKSPACES}
        for docs in stores.values():
            await docs.clear()  # these names are fixed, and an earlier run may have been cut short
        for name, docs in stores.items():
            await docs.put_many({"same": {"v": name, "n": 1}, name: {"n": 1}})
        for name, docs in stores.items():
            assert await docs.get("same") == {"v": name, "n": 1}
            assert [d.id for d in (await docs.find(F("n") == 1)).items] == sorted({"same", name})
            assert await docs.count() == 2
            assert [counted.count for counted in await docs.count_by("n")] == [2]
            assert [counted.value for counted in await docs.count_by("v")] == [name]
        left = list(stores)
        while left:
            docs = stores[left.pop(0)]
            if len(left) % 2:
                assert await docs.clear() == 2
            else:
                assert await docs.delete(filter=F("n") == 1) == 2
            assert [await stores[other].count() for other in left] == [2] * len(left)
