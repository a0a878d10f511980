"""Connections that are counted, and that pack commands in C where hiredis is installed.

The asyncio side of redis-py parses answers with hiredis but packs commands in Python, which for a
thousand small values takes longer than the server needs to store them.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.sentinel import SentinelManagedConnection, SentinelManagedSSLConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Pack = Callable[[tuple[Any, ...]], bytes]


def _packer() -> Pack | None:
    try:
        import hiredis  # an extra: `polystore-redis[fast]`
    except ModuleNotFoundError:
        return None
    return hiredis.pack_command  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


_PACK: Final = _packer()


_MANY: Final = 20
"""Arguments; fewer are packed one by one sooner than joined."""


class _Sizes(dict[int, bytes]):
    """What stands before an argument, by its length."""

    def __missing__(self, size: int) -> bytes:
        made = self[size] = b"\r\n$%d\r\n" % size
        return made


def joined(arguments: Sequence[bytes]) -> bytes:
    """Return the bytes of a command, whose arguments are copied once only."""
    sizes = map(_Sizes().__getitem__, map(len, arguments))
    pieces = chain.from_iterable(zip(sizes, arguments, strict=True))
    return b"".join((b"*%d" % len(arguments), *pieces, b"\r\n"))


@dataclass(slots=True)
class Tally:
    """How many connections a client has opened and closed."""

    created: int = 0
    closed: int = 0


class _Packing:
    """Packs a command in one piece of C; tells when it is opened and closed."""

    def __init__(self, *args: Any, tally: Tally, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tally = tally
        self._counted = False

    async def _connect(self) -> None:
        await super()._connect()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - of the connection
        self._counted = True
        self._tally.created += 1

    async def disconnect(self, *args: Any, **kwargs: Any) -> None:
        """Close it."""
        try:
            await super().disconnect(*args, **kwargs)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - of the connection
        finally:
            if self._counted:
                self._counted = False
                self._tally.closed += 1

    def pack_command(self, *args: Any) -> list[bytes]:
        """Return the bytes of a command; its name may be of several words."""
        # What is not bytes, such as a buffer of numbers, has another length than `len` tells.
        if len(args) > _MANY and set(map(type, args[1:])) == {bytes}:
            name = args[0].encode() if isinstance(args[0], str) else args[0]
            return [joined((*name.split(), *args[1:]))]
        if _PACK is not None:
            # What hiredis does not take, such as a memoryview, is left to the driver.
            with contextlib.suppress(TypeError):
                return [_PACK((*args[0].split(), *args[1:]))]
        return super().pack_command(*args)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType] - of the connection


class TcpConnection(_Packing, Connection):
    """By TCP."""


class TlsConnection(_Packing, SSLConnection):
    """By TLS."""


class SocketConnection(_Packing, UnixDomainSocketConnection):
    """By a Unix socket."""


class PrimaryConnection(_Packing, SentinelManagedConnection):
    """To whom the Sentinels name, by TCP."""


class PrimaryTlsConnection(_Packing, SentinelManagedSSLConnection):
    """To whom the Sentinels name, by TLS."""
