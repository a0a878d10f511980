"""One connection for a while, for commands that only mean something together on one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore_redis.connection import Command


class Held:
    """A connection of one's own, as `Server.held` lends it.

    Args:
        connection: The driver's.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def pack(self, *commands: Command) -> list[bytes]:
        """Return the bytes of commands."""
        return [part for command in commands for part in self._connection.pack_command(*command)]

    async def send(self, packed: Sequence[bytes]) -> None:
        """Give commands to the server, which begins on them while the next ones are packed."""
        await self._connection.send_packed_command(packed)

    async def answers(self, count: int) -> list[Any]:
        """Return the answers to as many commands; a refusal is one of them, and not raised."""
        found: list[Any] = []
        for _ in range(count):
            try:
                found.append(await self._connection.read_response())
            except ResponseError as error:
                found.append(error)
        return found

    async def ask(self, command: Command) -> Any:
        """Return the answer to one command, be it a refusal."""
        await self.send(self.pack(command))
        (answer,) = await self.answers(1)
        return answer

    async def drop(self) -> None:
        """End the connection, and so what was watched or begun on it; the pool opens another."""
        await self._connection.disconnect()
