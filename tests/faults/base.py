"""What may happen between a client and its server, for any backend whose address a proxy can take.

A test module of an engine derives a class from each suite that fits, and gives it the fixture
`place` (a fresh database behind a proxy) and, for `RestartScenarios`, `server`. See `Place`.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import polystore
from faults.subjects import SUBJECTS, Subject
from polystore.errors import (
    ConnectionFailed,
    OperationTimeout,
    PolystoreError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable

    from servers.toxiproxy import Proxy

    from polystore.capabilities import Kind
    from polystore.client import Polystore

UNREACHABLE = (ConnectionFailed, OperationTimeout)
SLACK = 15.0
"""Seconds that a loaded machine may add to a deadline."""


@dataclass(frozen=True)
class Place:
    """A backend whose server is behind a proxy; nothing of these suites' is in it yet.

    Attributes:
        proxy: What every connection of the client goes through.
        block: Of `backends:`, with `use` and an address that is the proxy's.
        small_pool: Settings for two connections at most, and a wait of at most a second for one.
        secrets: What no message may contain.
    """

    proxy: Proxy
    block: dict[str, Any]
    small_pool: dict[str, Any] = field(default_factory=dict[str, Any])
    secrets: tuple[str, ...] = ()

    def told(self, error: BaseException) -> None:
        """Check that an error says whose it is and what to do, and no secret."""
        assert isinstance(error, PolystoreError), repr(error)
        assert error.backend == "main", repr(error)
        assert error.hint, repr(error)
        for secret in self.secrets:
            assert secret not in str(error) + repr(error) + repr(error.__cause__)


class Restartable(Protocol):
    """A server that the test may kill and start again, with the same data and address."""

    def kill(self) -> None:
        """End it as kill -9 does; return when it is gone."""
        ...

    def start(self) -> None:
        """Start it again; return when it answers."""
        ...


class Scenarios:
    """Base: a client with one store of each kind that the backend serves.

    Attributes:
        kinds: What it serves.
        patience: The backend's `timeout` in these tests, in seconds.
        errors: What a call may raise while its server is away.
    """

    kinds: ClassVar[tuple[Kind, ...]]
    patience: ClassVar[float] = 5.0

    @asynccontextmanager
    async def client(self, place: Place, **changes: Any) -> AsyncGenerator[Polystore]:
        """Open a client on `place`, its block changed by `changes`."""
        main = {**place.block, "schema": "auto", "timeout": self.patience, "retries": 3, **changes}
        stores = {SUBJECTS[kind].name: SUBJECTS[kind].spec for kind in self.kinds}
        config = {
            "workspace": "faults",
            "backends": {"main": main},
            "defaults": dict.fromkeys(self.kinds, "main"),
            "stores": stores,
        }
        async with polystore.open(config) as ps:
            yield ps

    def subjects(self, ps: Polystore, timeout: float | None = None) -> list[Subject]:
        """Return the store of each kind."""
        return [SUBJECTS[kind](ps, timeout) for kind in self.kinds]

    async def healthy(self, ps: Polystore) -> None:
        """Check that the client works, everywhere and at once, without being told anything."""
        for subject in self.subjects(ps):
            await subject.write({"healthy": 7})
            answers = await asyncio.gather(*(subject.read(["healthy", "none"]) for _ in range(10)))
            assert answers == [[7, None]] * 10, subject.name


async def within(seconds: float, work: Awaitable[Any]) -> Any:
    """Return what `work` returns or raises; fail if that takes longer than `seconds`."""
    begun = time.monotonic()
    try:
        return await work
    except Exception as error:
        return error
    finally:
        assert time.monotonic() - begun < seconds + SLACK


async def later(seconds: float, *works: Any) -> None:
    """Call each of `works`, which block, after a while."""
    await asyncio.sleep(seconds)
    for work in works:
        await asyncio.to_thread(work)
