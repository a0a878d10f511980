"""Times as Milvus keeps them: whole microseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LOGICAL_BITS: Final = 18
"""Of a server's timestamp; what is above them are milliseconds since 1970."""


def microseconds(time: datetime) -> int:
    """Return the microseconds from 1970 to a timezone-aware `time`, exactly."""
    return (time - _START) // _MICROSECOND


def time_of(number: int) -> datetime:
    """Return the time that `microseconds` made `number` of."""
    return _START + timedelta(microseconds=number)


def time_of_stamp(stamp: int) -> datetime:
    """Return the time at which a server gave out the timestamp `stamp`."""
    return _START + timedelta(milliseconds=stamp >> _LOGICAL_BITS)
