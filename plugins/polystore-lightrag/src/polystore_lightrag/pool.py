"""Clients that the storages of a process share: one per configuration, stores and event loop."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias
from weakref import WeakKeyDictionary

import polystore
from polystore.config import load_config
from polystore.declaring import declare
from polystore.plugins.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore import Polystore
    from polystore.specs import StoreSpec
    from polystore_lightrag.settings import Source

_Key: TypeAlias = tuple[str, ...]


@dataclass(eq=False)
class Lease:
    """A client that is shared; `release` gives it back."""

    client: Polystore
    key: _Key
    users: int = 0


_leases: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[_Key, Lease]] = WeakKeyDictionary()


async def acquire(source: Source, specs: Sequence[StoreSpec]) -> Lease:
    """Return an open client for a configuration, with the stores `specs`.

    A store that the configuration declares or includes stands in for the one of its name.

    Raises:
        ConfigError: The configuration is wrong, or has no backend for one of the stores.
        SchemaMismatch: What is stored differs from what is declared, or is not there.
    """
    known = _leases.setdefault(asyncio.get_running_loop(), {})
    key = _key(source, specs)
    lease = known.get(key)
    if lease is None:
        lease = known[key] = Lease(_client(source, specs), key)
    lease.users += 1
    try:
        await lease.client.start()  # whoever comes second waits for the first
    except BaseException:
        await release(lease)
        raise
    return lease


async def release(lease: Lease) -> None:
    """Give a lease back; the last one to do so closes the client."""
    lease.users -= 1
    if lease.users:
        return
    known = _leases.get(asyncio.get_running_loop(), {})
    if known.get(lease.key) is lease:
        del known[lease.key]
    await lease.client.close()


def leases(loop: asyncio.AbstractEventLoop) -> list[Lease]:
    """Return the leases of an event loop."""
    return list(_leases.get(loop, {}).values())


def _client(source: Source, specs: Sequence[StoreSpec]) -> Polystore:
    names = [spec.name for spec in specs]
    declared = declare(load_config(source, declared=names), Registry(), ())
    return polystore.open(source, stores=[spec for spec in specs if spec.name not in declared])


def _key(source: Source, specs: Sequence[StoreSpec]) -> _Key:
    if source is None or not hasattr(source, "keys"):
        place = str(source)
    else:
        place = json.dumps(source, sort_keys=True, default=str)
    return (place, *(spec.model_dump_json() for spec in specs))
