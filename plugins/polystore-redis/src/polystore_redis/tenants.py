"""Which workspaces may have data in a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polystore_redis.connection import Server


class Tenants:
    """The set of a store's workspaces, to which each is added before its first write.

    It may name one whose data is gone; who lists workspaces looks. What this process has added is
    not added again.

    Args:
        server: The server.
        key: Of the set.
    """

    def __init__(self, server: Server, key: str) -> None:
        self._server = server
        self._key = key
        self._noted: set[str] = set()

    async def note(self, workspace: str) -> None:
        """Make sure that `workspace` is in the set."""
        if workspace not in self._noted:
            await self._server.command("SADD", self._key, workspace.encode())
            self._noted.add(workspace)

    async def all(self) -> list[str]:
        """Return the workspaces in the set."""
        return sorted(name.decode() for name in await self._server.command("SMEMBERS", self._key))
