"""What a server tells of itself when it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from redis.exceptions import NoPermissionError, ResponseError

OLDEST: Final = (7, 0)
"""Scripts may read the clock and write, and sets have ranges by text, since Redis 7.0."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a server is.

    Attributes:
        engine: `redis` or `valkey`.
        version: Of the engine itself.
        compatible: The version of Redis whose commands it knows.
        cluster: Whether it is a node of a cluster.
        append_only: Whether acknowledged writes are logged to disk; None where it does not tell.
        fsync: `always`, `everysec` or `no`: how soon the log is on the disk itself.
    """

    engine: str
    version: str
    compatible: tuple[int, ...]
    cluster: bool
    append_only: bool | None
    fsync: str | None

    @property
    def durable(self) -> bool:
        """Whether an acknowledged write survives the end of the server's process."""
        return self.append_only is True


async def facts_of(client: Any) -> Facts:
    """Return what the server (of a cluster: one of its nodes) tells."""
    info: dict[str, Any] = await client.info()
    settings = await _settings(client)
    valkey = info.get("valkey_version")
    compatible = str(info.get("redis_version", "0"))
    append_only = info.get("aof_enabled")
    return Facts(
        engine="valkey" if valkey else "redis",
        version=str(valkey or compatible),
        compatible=tuple(int(part) for part in compatible.split(".")[:2]),
        cluster=bool(info.get("cluster_enabled")),
        append_only=None if append_only is None else bool(append_only),
        fsync=settings.get("appendfsync"),
    )


async def _settings(client: Any) -> dict[str, str]:
    """Return the settings that matter; {} where a server's owner does not let us ask."""
    try:
        answer: Any = await client.config_get("append*", "maxmemory*")
    except (NoPermissionError, ResponseError):
        return {}  # as of managed servers: what follows is then told as unknown
    return {_text(name): _text(value) for name, value in answer.items()}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
