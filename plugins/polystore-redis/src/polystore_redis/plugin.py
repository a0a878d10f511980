"""The plugin: what `use: redis` means. Imports no driver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.backend import BackendInfo
from polystore.plugins.hookspecs import hookimpl
from polystore_redis.capabilities import AT_LEAST, AT_MOST
from polystore_redis.config import RedisConfig
from polystore_redis.example import EXAMPLE
from polystore_redis.options import options_of

if TYPE_CHECKING:
    from polystore.specs import StoreSpec


@hookimpl
def polystore_backends() -> BackendInfo:
    """Return the Redis backend."""
    return BackendInfo(
        name="redis",
        config=RedisConfig,
        backend="polystore_redis.backend:RedisBackend",
        at_most=AT_MOST,
        at_least=AT_LEAST,
        check_store=check_store,
        example=EXAMPLE,
        description="Redis or Valkey: key-value and documents; alone, Sentinel, cluster, embedded",
    )


def check_store(spec: StoreSpec) -> None:
    """Check what can be known of a store without a server.

    Raises:
        ConfigError: An option is unknown or out of range.
    """
    options_of(spec)
