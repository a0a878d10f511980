"""kill -9 of a server, and load while there is trouble."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from faults.base import UNREACHABLE, Place, Restartable, Scenarios, within
from polystore.capabilities import Feature
from polystore.errors import (
    Conflict,
    PartialWrite,
)
from polystore.testing.checks import eventually

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from faults.subjects import Subject
    from polystore.client import Polystore


class RestartScenarios(Scenarios):
    """kill -9 and a new start of the server, with the fixture `server`."""

    async def test_killed_under_load(self, place: Place, server: Restartable) -> None:
        """The client recovers by itself; what was acknowledged is there where that is declared."""
        async with self.client(place) as ps:
            await self.healthy(ps)

            async def restart() -> None:
                await asyncio.sleep(1)
                await asyncio.to_thread(server.kill)
                await asyncio.sleep(0.5)
                await asyncio.to_thread(server.start)
                await asyncio.sleep(1.5)

            acknowledged, _ = await under_load(self.subjects(ps), restart())
            await self._settled(ps)
            durable = [
                subject
                for subject in self.subjects(ps)
                if Feature.DURABLE in (await subject.capabilities()).features
            ]
            await verify(durable, acknowledged)
            await self.healthy(ps)

    async def test_killed_while_idle(self, place: Place, server: Restartable) -> None:
        """Unreachable while it is away, never absent; then the next call just works."""
        async with self.client(place) as ps:
            await self.healthy(ps)
            await asyncio.to_thread(server.kill)
            for subject in self.subjects(ps):
                outcome = await within(self.patience, subject.read(["absent"]))
                assert isinstance(outcome, UNREACHABLE), (subject.name, outcome)
                place.told(outcome)
            await asyncio.to_thread(server.start)
            await self._settled(ps)
            await self.healthy(ps)

    async def _settled(self, ps: Polystore) -> None:
        """Wait until a server that has just started serves; 30 s at most, by reads alone."""
        deadline = time.monotonic() + 30
        for subject in self.subjects(ps):
            while True:
                with contextlib.suppress(*UNREACHABLE):
                    await subject.count()
                    break
                assert time.monotonic() < deadline, subject.name


async def under_load(
    subjects: list[Subject], trouble: Awaitable[None]
) -> tuple[dict[str, dict[str, int]], int]:
    """Keep writing to all stores while there is trouble.

    Args:
        subjects: The stores.
        trouble: When it is over, and every store has taken something, so is the load.

    Returns:
        What was acknowledged, by store; and how many writes that were.
    """
    acknowledged: dict[str, dict[str, int]] = {subject.name: {} for subject in subjects}
    over = asyncio.Event()

    async def write(subject: Subject, who: int) -> None:
        number = 0
        while not over.is_set():
            number += 1
            row = {f"{who}-{number}": number}
            try:
                await subject.write(row)
            except (*UNREACHABLE, PartialWrite, Conflict):
                await asyncio.sleep(0.01)
            else:
                acknowledged[subject.name] |= row

    async def taken() -> bool:
        return all(acknowledged.values())

    async def make_trouble() -> None:
        try:
            await trouble
            await eventually(taken, what="a write to each store")
        finally:
            over.set()

    load = (write(subject, who) for subject in subjects for who in range(4))
    await asyncio.gather(make_trouble(), *load)
    return acknowledged, sum(map(len, acknowledged.values()))


async def verify(subjects: list[Subject], acknowledged: dict[str, dict[str, int]]) -> None:
    """Check that everything acknowledged is there, by key and by scan."""
    for subject in subjects:
        rows = acknowledged[subject.name]
        assert rows, subject.name
        assert await subject.read(list(rows)) == list(rows.values()), subject.name
        scanned = await subject.scan()
        assert rows.items() <= scanned.items(), subject.name
