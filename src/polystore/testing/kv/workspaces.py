"""Workspaces of a key-value store never meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.testing.checks import fresh_workspace
from polystore.testing.kv.base import KVTests
from polystore.testing.values import WORKSPACES

if TYPE_CHECKING:
    from polystore.client import Polystore


class KVWorkspaces(KVTests):
    """Tenants."""

    async def test_workspaces_never_meet(self, client: Polystore) -> None:
        """The same key in any two workspaces is two entries, whatever the workspaces' names."""
        stores = {name: client.workspace(name).kv("kit_kv") for name in WORKSPACES}
        for kv in stores.values():
            await kv.clear()  # these names are fixed, and an earlier run may have been cut short
        for name, kv in stores.items():
            await kv.put_many({"same": name, name: 1})
        for name, kv in stores.items():
            assert await kv.get("same") == name
            assert await kv.count() == 2, name
            assert sorted([e.key async for e in kv.scan()]) == sorted({"same", name})
            assert [e.key async for e in kv.scan("same")] == ["same"]
        left = list(stores)
        while left:
            name = left.pop(0)
            kv = stores[name]
            if len(left) % 2:
                assert await kv.clear() == 2, name
            else:
                assert await kv.delete_many(["same", name]) == 2, name
            assert [await stores[other].count() for other in left] == [2] * len(left), name

    async def test_no_conflict_across_workspaces(self, client: Polystore) -> None:
        """put_if_absent and compare_and_set look at their own workspace only."""
        space = fresh_workspace()
        first, second = (client.workspace(f"{space}{end}").kv("kit_kv") for end in ("-b", "_b"))
        assert await first.put_if_absent("a", 1) is True
        assert await second.put_if_absent("a", 2) is True
        assert await first.delete("a") is True
        assert await second.get("a") == 2
        assert await first.compare_and_set("a", 3, 0) > 0
        assert await second.get("a") == 2
