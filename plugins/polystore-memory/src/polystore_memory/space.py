"""A space: everything that one memory backend, or several that share it, hold."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from polystore.errors import SchemaMismatch
from polystore_memory.tables import Tables

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from polystore.specdiff import StoredSpec

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PAUSE = 0.001
"""Seconds between two looks at whose turn it is."""


class Turn:
    """A lock that serves in order of arrival, across event loops.

    Clients in several event loops may share a space, and no lock of asyncio spans loops; so
    whoever waits looks again and again.
    """

    def __init__(self) -> None:
        self._queue: deque[object] = deque()

    @asynccontextmanager
    async def take(self) -> AsyncGenerator[None]:
        """Wait until everybody who came before is done."""
        ticket = object()
        self._queue.append(ticket)
        try:
            while self._queue[0] is not ticket:  # noqa: ASYNC110 - an Event has one loop
                await asyncio.sleep(_PAUSE)
            yield
        finally:
            self._queue.remove(ticket)


@dataclass(frozen=True, slots=True)
class Write:
    """A write that is under way.

    Attributes:
        tables: Where it writes; committed if it ends well, else forgotten.
        version: Of every row that it writes; higher than that of any earlier write.
        now: When it happens.
    """

    tables: Tables
    version: int
    now: datetime


class Session:
    """A transaction in progress, which calls carry.

    Calls need no lock to take turns: each does its work without giving up the event loop.

    Attributes:
        space: Whose transaction it is.
        tables: What it has changed so far.
        open: Whether it goes on.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.tables = Tables(space.committed)
        self.open = True


class Space:
    """Tables and catalogue, and who may write to them when.

    Writers and transactions take turns. Readers wait for nobody: they see what is committed.

    Args:
        clock: Nanoseconds since the epoch.
    """

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self.committed = Tables()
        self.catalogue: dict[str, StoredSpec] = {}
        self.schema_turn = Turn()
        self._gone: set[tuple[str, int]] = set()
        self._clock = clock
        self._turn = Turn()
        # Held only while committing or reading, never across an await: for clients in threads.
        self._mutex = threading.Lock()
        self._version = 0

    def now(self) -> datetime:
        """Return the time, to the microsecond."""
        return _EPOCH + timedelta(microseconds=self._clock() // 1000)

    @contextmanager
    def reading(self, session: Session | None) -> Generator[Tables]:
        """Yield what a read sees: the transaction's own state, or what is committed."""
        with self._mutex:
            yield self.committed if session is None else session.tables

    @asynccontextmanager
    async def writing(self, session: Session | None) -> AsyncGenerator[Write]:
        """Carry out one write, wholly or not at all."""
        if session is not None:
            tables = Tables(session.tables)
            yield self._write(tables)
            session.tables.absorb(tables)
            return
        async with self._turn.take():
            tables = Tables(self.committed)
            yield self._write(tables)
            self._commit(tables)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Session]:
        """Carry out several writes, all or none."""
        async with self._turn.take():
            session = Session(self)
            try:
                yield session
            finally:
                session.open = False
            self._commit(session.tables)

    def workspaces(self) -> list[str]:
        """Return the workspaces that have rows, in order."""
        now = self.now()
        found = [one for stored in self.catalogue.values() for one in stored.with_records()]
        tables = {(one.spec.name, one.generation) for one in found}
        with self._mutex:
            return sorted(
                {
                    key.workspace
                    for key, table in self.committed.items()
                    if key[:2] in tables and any(row.alive(now) for _, row in table.items())
                }
            )

    def make(self, store: str, generation: int) -> None:
        """Let a generation of a store be used."""
        self._gone.discard((store, generation))

    def check(self, store: str, generation: int) -> None:
        """Raise SchemaMismatch if a generation of a store was dropped."""
        if (store, generation) in self._gone:
            raise SchemaMismatch(
                f"generation {generation} of this store was dropped or renamed",
                store=store,
                hint="Open the client anew, with the store as it is declared now",
            )

    def forget(self, store: str, generation: int) -> None:
        """Drop a generation of a store, in every workspace."""
        self._gone.add((store, generation))
        with self._mutex:
            self.committed.forget(store, generation)

    def rename(self, store: str, name: str, generation: int) -> None:
        """Let the rows of a generation of a store belong to `name` from now on."""
        self._gone.add((store, generation))
        self.make(name, generation)
        with self._mutex:
            self.committed.rename(store, name, generation)

    def _write(self, tables: Tables) -> Write:
        # Versions follow the clock but never repeat, so they grow over a delete as well.
        self._version = max(self._version + 1, self._clock() // 1000)
        return Write(tables, self._version, self.now())

    def _commit(self, tables: Tables) -> None:
        with self._mutex:
            self.committed.absorb(tables)


_SHARED: dict[str, Space] = {}


def shared_space(name: str) -> Space:
    """Return the space of that name, made at its first use; it lives as long as the process."""
    return _SHARED.setdefault(name, Space())
