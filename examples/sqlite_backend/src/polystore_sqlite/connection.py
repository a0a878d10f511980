"""A connection in a thread of its own: the only file that knows apsw's connections and errors."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import apsw
import sqlite_vec

from polystore.errors import (
    Conflict,
    ConnectionFailed,
    DataCorruption,
    LimitExceeded,
    PolystoreError,
    SchemaMismatch,
)
from polystore.types.sortkey import MISSING, sort_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

T = TypeVar("T")
Row = tuple[Any, ...]


class Connection:
    """What drivers use of a connection."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw  # an apsw.Connection, whose annotations leave open what a value is

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Carry out a statement and return its rows."""
        return self.raw.execute(sql, parameters).fetchall()

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Carry out a statement and return the only column of its only row, or None."""
        return self.raw.execute(sql, parameters).get

    def change(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Carry out a statement and return how many rows it changed."""
        self.raw.execute(sql, parameters)
        return self.raw.changes()

    def change_many(self, sql: str, rows: Iterable[Row]) -> None:
        """Carry out a statement with each of `rows` as its parameters."""
        self.raw.executemany(sql, rows)


class Worker:
    """A connection that one thread opens, uses and closes: calls are carried out in turn.

    A call that is cancelled before its turn never runs; afterwards it runs to its end, and the
    next one waits for it. So a write is wholly in or wholly out.

    Args:
        path: The file.
        busy_timeout: Seconds to wait for another connection that writes.
        bare: Whether the connection goes without polystore's functions.
    """

    def __init__(self, path: Path, busy_timeout: float, *, bare: bool = False) -> None:
        self._thread = ThreadPoolExecutor(1, "polystore-sqlite")
        self._connection: Connection | None = None
        self._closed = False
        self._open = partial(_connect, path, int(busy_timeout * 1000), bare=bare)

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` makes of the connection, in its thread."""
        return await asyncio.wrap_future(self._submit(work))

    async def finish(self, work: Callable[[Connection], T]) -> T:
        """Do as `run`, but carry `work` out even if the caller is cancelled."""
        return await asyncio.shield(asyncio.wrap_future(self._submit(work)))

    async def close(self) -> None:
        """Close the connection once what is on its way is done; safe to call twice."""
        if not self._closed:
            self._closed = True
            await asyncio.shield(asyncio.wrap_future(self._thread.submit(self._close)))
            self._thread.shutdown(wait=False)

    def _submit(self, work: Callable[[Connection], T]) -> Future[T]:
        return self._thread.submit(self._carry_out, work)

    def _carry_out(self, work: Callable[[Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = self._open()
            return work(self._connection)
        except apsw.Error as error:
            raise _translated(error) from error

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.raw.close()


def _connect(path: Path, busy_milliseconds: int, *, bare: bool) -> Connection:
    connection: Any = apsw.Connection(str(path))
    connection.set_busy_timeout(busy_milliseconds)
    if bare:
        return Connection(connection)
    # To register a function for FTS5 reads the file while all of Python waits. So the file is
    # looked into before, which also tells best what is wrong with it.
    connection.execute("PRAGMA schema_version")
    connection.enable_load_extension(True)
    connection.load_extension(sqlite_vec.loadable_path())
    connection.enable_load_extension(False)
    connection.create_scalar_function("polystore_sort_key", _sort_key, 2, deterministic=True)
    connection.register_fts5_function("polystore_words", _words)
    return Connection(connection)


_CONSTANTS: dict[str | None, Any] = {
    None: MISSING,
    "null": None,
    "true": True,
    "false": False,
    "array": [],
    "object": {},
}


def _sort_key(json_type: str | None, value: Any) -> bytes:
    return sort_key(_CONSTANTS.get(json_type, value))


def _words(match: apsw.FTS5ExtensionApi, *_: Any) -> float:
    """Return a rank that looks at one text only, so that no tenant learns of another's texts."""
    found = (len(match.phrase_locations(word)[0]) for word in range(match.phrase_count))
    return sum(times / (times + 1) for times in found)


def _translated(error: apsw.Error) -> PolystoreError:
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return Conflict(
            "another process is writing to the file",
            hint="Raise busy_timeout, or make that process's units of work shorter",
            retryable=True,
        )
    if isinstance(error, apsw.TooBigError):
        return LimitExceeded("a value is larger than SQLite can hold", hint="Make it smaller")
    if isinstance(error, apsw.CorruptError | apsw.NotADBError):
        return DataCorruption("the file is no intact database", hint="Restore it from a backup")
    if isinstance(error, apsw.SQLError):
        return SchemaMismatch(f"SQLite refused: {error}", hint="See `polystore plan`")
    return ConnectionFailed(
        f"the file cannot be used: {error}",
        hint="Check that its folder exists, may be written to and has space left",
        retryable=False,
        maybe_applied=False,
    )
