"""Connections that pack commands in C where hiredis is installed.

The asyncio side of redis-py parses answers with hiredis but packs commands in Python, which for a
thousand small values takes longer than the server needs to store them.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.sentinel import SentinelManagedConnection, SentinelManagedSSLConnection

if TYPE_CHECKING:
    from collections.abc import Callable

    Pack = Callable[[tuple[Any, ...]], bytes]


def _packer() -> Pack | None:
    try:
        import hiredis  # an extra: `polystore-redis[fast]`
    except ModuleNotFoundError:
        return None
    return hiredis.pack_command  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


_PACK: Final = _packer()


class _Packing:
    """Packs a command in one piece of C."""

    def pack_command(self, *args: Any) -> list[bytes]:
        """Return the bytes of a command; its name may be of several words."""
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
