"""Timestamps on the wire: microseconds since 2000, in 64 bits.

The driver makes every timestamp of every row anew, which takes longer than all the rest of a short
row. But rows that were written together have the same ones, and rows that are read have been read
before, so those seen lately are kept by what stands on the wire.
"""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

_WIRE: Final = struct.Struct(">q")
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_KEPT: Final = 4096
# As the driver has them, without a time zone.
_INFINITIES: Final = {
    2**63 - 1: datetime.max,  # noqa: DTZ901
    -(2**63): datetime.min,  # noqa: DTZ901
}
_INFINITE: Final = {moment: number for number, moment in _INFINITIES.items()}


@lru_cache(maxsize=_KEPT)
def decode_timestamp(data: bytes) -> datetime:
    """Return the moment of a timestamptz on the wire, in UTC."""
    number: int = _WIRE.unpack(data)[0]
    infinity = _INFINITIES.get(number)
    return _EPOCH + timedelta(0, *divmod(number, 1_000_000)) if infinity is None else infinity


def encode_timestamp(moment: object) -> bytes:
    """Return the wire form of a moment; one without a time zone is of the local one."""
    if not isinstance(moment, datetime):
        if not isinstance(moment, date):
            raise TypeError(f"expected a date or a datetime, not a {type(moment).__name__}")
        moment = datetime(moment.year, moment.month, moment.day).astimezone()
    number = _INFINITE.get(moment)
    if number is None:
        number = (moment.astimezone(UTC) - _EPOCH) // _MICROSECOND
    return _WIRE.pack(number)
