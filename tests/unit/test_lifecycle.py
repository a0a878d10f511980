"""Opening and closing: at once, twice, given up in the middle."""

from __future__ import annotations

import asyncio
import math
from typing import Any, cast

import numpy as np
import pytest
from typing_extensions import override

import polystore
from polystore.errors import Closed, InvalidRecord
from polystore_memory.backend import MemoryBackend

CONFIG: dict[str, Any] = {
    "backends": {"one": {"use": "memory"}, "two": {"use": "memory"}},
    "defaults": {"kv": "one", "doc": "two"},
}


class Watched(MemoryBackend):
    """Counts what is open; the backend called `two` opens slowly."""

    opened = 0
    closed = 0
    any_opened = asyncio.Event()

    @override
    async def open(self) -> None:
        await asyncio.sleep(0)
        if self.name == "two":
            await asyncio.sleep(0.05)
        await super().open()
        Watched.opened += 1
        Watched.any_opened.set()

    @override
    async def close(self) -> None:
        if self._space is not None:
            await asyncio.sleep(0.01)
            Watched.closed += 1
        await super().close()


@pytest.fixture(autouse=True)
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polystore_memory.backend.MemoryBackend", Watched)
    monkeypatch.setattr(Watched, "opened", 0)
    monkeypatch.setattr(Watched, "closed", 0)
    monkeypatch.setattr(Watched, "any_opened", asyncio.Event())


async def test_starting_twice_at_once_opens_once() -> None:
    ps = polystore.open(CONFIG)
    clients = await asyncio.gather(*(ps.start() for _ in range(5)))
    assert all(client is ps for client in clients)
    assert Watched.opened == 2
    await ps.kv("cache").put("k", 1)
    await asyncio.gather(ps.close(), ps.close())
    assert Watched.closed == 2


async def test_every_driver_is_imported_before_any_backend_connects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []

    class Noting(Watched):
        @override
        async def open(self) -> None:
            seen.append("connects")
            await super().open()

    def load(_info: object) -> type[MemoryBackend]:
        seen.append("imports")
        return Noting

    monkeypatch.setattr("polystore.runtime.load_backend_class", load)
    async with polystore.open(CONFIG):
        assert seen == ["imports", "imports", "connects", "connects"]


async def test_closing_while_it_starts_leaves_nothing_open() -> None:
    ps = polystore.open(CONFIG)
    starting = asyncio.create_task(ps.start())
    await asyncio.sleep(0.01)
    await ps.close()
    await starting
    assert (Watched.opened, Watched.closed) == (2, 2)
    with pytest.raises(Closed):
        ps.kv("cache")


async def test_giving_up_while_it_opens_closes_what_had_opened() -> None:
    ps = polystore.open(CONFIG)
    starting = asyncio.create_task(ps.start())
    await Watched.any_opened.wait()
    assert Watched.opened == 1
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert Watched.closed == 1


async def test_giving_up_while_it_closes_closes_nevertheless() -> None:
    ps = await polystore.open(CONFIG).start()
    closing = asyncio.create_task(ps.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert Watched.closed == 2


async def test_a_closed_client_can_be_started_again() -> None:
    ps = polystore.open(CONFIG)
    for _ in range(2):
        async with ps:
            handle = ps.kv("cache")
            await handle.put("k", 1)
        with pytest.raises(Closed):
            await handle.get("k")
    assert Watched.opened == Watched.closed == 4


@pytest.mark.parametrize("timeout", [0, -1, math.nan, True, "5", -math.inf])
async def test_a_deadline_is_positive_everywhere(timeout: Any) -> None:
    config = CONFIG | {"stores": {"cache": {"kind": "kv"}}}
    async with polystore.open(config) as ps:
        with pytest.raises(InvalidRecord, match="positive"):
            ps.unit_of_work("cache", timeout=timeout)
        with pytest.raises(InvalidRecord, match="positive"):
            ps.kv("cache").with_options(timeout=timeout)


@pytest.mark.parametrize("timeout", [math.inf, 1e300, 10**400, 2**60, np.float32(9)])
async def test_a_deadline_may_be_as_late_as_one_likes(timeout: Any) -> None:
    async with polystore.open(CONFIG) as ps:
        patient = ps.kv("cache").with_options(timeout=timeout)
        await asyncio.gather(*(patient.put(f"k{n}", n) for n in range(9)))
        assert await patient.count() == 9


async def test_specs_given_by_a_generator_are_there_at_every_start() -> None:
    specs = (polystore.KVSpec(name=name) for name in ("cache", "other"))
    ps = polystore.open(CONFIG | {"strict": True}, stores=cast("Any", specs))
    for _ in range(2):
        async with ps:
            assert await ps.kv("cache").count() == 0
