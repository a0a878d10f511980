"""Rows of key-value stores: a header, and the value."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from polystore.types.json_domain import decode_json
from polystore.types.records import KVEntry
from polystore_redis.errors import not_ours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.types.batches import KVBatch

HEADER: Final = struct.Struct(">qqqqc")
"""Version, created, updated and expires (microseconds since 1970; 0: never), and a flag."""
BINARY, JSON = b"b", b"j"
"""Flags: what kind of value follows."""

_FLAG: Final = slice(HEADER.size - 1, HEADER.size)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime.max.replace(tzinfo=UTC)


_Stamp: TypeAlias = tuple[int, datetime, datetime, "datetime | None"]
"""Version, created, updated and expires."""


def values_of(keys: Sequence[str], rows: Sequence[bytes | None]) -> list[Any]:
    """Return the value in each row, None where there is no row.

    Raises:
        DataCorruption: A row was not written by us.
    """
    there = [row for row in rows if row is not None]
    if len(there) == len(rows) and {row[_FLAG] for row in there} == {JSON}:
        return [decode_json(row[HEADER.size :]) for row in there]
    return [None if row is None else _value(key, row) for key, row in zip(keys, rows, strict=True)]


def entries_of(keys: Sequence[str], rows: Sequence[bytes | None]) -> list[KVEntry | None]:
    """Return the entry that each row is, None where there is no row.

    Raises:
        DataCorruption: A row was not written by us.
    """
    values = values_of(keys, rows)
    stamps: dict[bytes, _Stamp] = {}  # rows that were written together share one
    found: list[KVEntry | None] = []
    for key, row, value in zip(keys, rows, values, strict=True):
        if row is None:
            found.append(None)
            continue
        header = row[: HEADER.size]
        stamp = stamps.get(header)
        if stamp is None:
            version, created, updated, expires, _ = HEADER.unpack(header)
            ends = time_of(expires) if expires else None
            stamp = stamps[header] = version, time_of(created), time_of(updated), ends
        found.append(KVEntry(key, value, *stamp))
    return found


def new_rows(batch: KVBatch, version: int, now: int) -> list[bytes]:
    """Return the rows of entries that are not there yet, and never expire.

    Args:
        batch: The entries.
        version: Theirs.
        now: When they are written, in microseconds since 1970.
    """
    json, binary = (HEADER.pack(version, now, now, 0, flag) for flag in (JSON, BINARY))
    if True not in batch.binary:
        return [json + value for value in batch.values]
    return [
        (binary if is_binary else json) + value
        for is_binary, value in zip(batch.binary, batch.values, strict=True)
    ]


def _value(key: str, row: bytes) -> Any:
    flag, body = row[_FLAG], row[HEADER.size :]
    if flag == JSON:
        return decode_json(body)
    if flag == BINARY:
        return body
    raise not_ours(key)


@lru_cache(maxsize=4096)  # rows that were written together have the same times
def time_of(microseconds: int) -> datetime:
    """Return a time that is stored as microseconds since 1970."""
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return _LATEST
