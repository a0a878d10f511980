"""Timestamps on the wire: as the driver itself has them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore_postgres import codecs
from polystore_postgres.timestamps import decode_timestamp, encode_timestamp

if TYPE_CHECKING:
    from polystore.types.json_domain import JSONValue

MOMENTS = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001  the zone comes apart
    max_value=datetime(9998, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC) | st.just(timezone(timedelta(hours=-7, minutes=30))),
)


@given(MOMENTS)
def test_a_moment_comes_back(moment: datetime) -> None:
    found = decode_timestamp(encode_timestamp(moment))
    assert found == moment
    assert found.utcoffset() == timedelta(0)


async def test_the_server_and_the_driver_agree(postgres_dsn: str) -> None:
    plain, taught = await asyncpg.connect(postgres_dsn), await asyncpg.connect(postgres_dsn)
    try:
        await codecs.register(taught, None)
        for text in ("infinity", "-infinity", "1999-12-31 23:59:59.999999Z", "2026-11-27 1:2:3+5"):
            sql = f"SELECT timestamptz '{text}'"
            assert await taught.fetchval(sql) == await plain.fetchval(sql)
        moments: list[JSONValue | date] = [
            datetime.max,  # noqa: DTZ901
            datetime.min,  # noqa: DTZ901
            datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
            datetime(1900, 1, 1, tzinfo=timezone(timedelta(hours=3))),
            datetime(2026, 7, 1, 12),  # noqa: DTZ001  of the local zone
            date(2026, 7, 1),
        ]
        for moment in moments:
            sql = "SELECT $1::timestamptz::text"
            assert await taught.fetchval(sql, moment) == await plain.fetchval(sql, moment)
        with pytest.raises(asyncpg.DataError):
            await taught.fetchval("SELECT $1::timestamptz", "yesterday")
    finally:
        plain.terminate()
        taught.terminate()
