"""Commands are sent as the driver itself would send them, also those that applications make."""

from __future__ import annotations

from array import array
from typing import Any

import pytest
from redis.asyncio.connection import Connection

from polystore_redis.packing import Tally, TcpConnection

MANY = [b"%d" % number for number in range(30)]


@pytest.mark.parametrize("name", ["DEL", b"DEL", "SCRIPT EXISTS", b"SCRIPT EXISTS"])
@pytest.mark.parametrize(
    "more", [[], [b""], ["text"], [7, 1.5], [memoryview(b"view")], [b"\r\n$9\r\n\x00\xff"]]
)
@pytest.mark.parametrize("given", [MANY[:2], MANY])
def test_as_the_driver_sends_it(name: Any, more: list[Any], given: list[bytes]) -> None:
    ours = b"".join(TcpConnection(tally=Tally()).pack_command(name, *given, *more))
    assert ours == b"".join(Connection().pack_command(name, *given, *more))


@pytest.mark.parametrize("given", [MANY[:2], MANY])
def test_a_buffer_of_numbers_is_refused(given: list[bytes]) -> None:
    with pytest.raises(Exception, match=r"[Ii]nvalid"):
        TcpConnection(tally=Tally()).pack_command("DEL", *given, array("f", [1.0, 2.0]))
