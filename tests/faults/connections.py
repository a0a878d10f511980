"""Connections that are cut, stalled, reset or missing, and a full pool."""

from __future__ import annotations

import asyncio
import time

import pytest

from faults.base import SLACK, UNREACHABLE, Place, Scenarios, later, within
from faults.restarts import under_load, verify
from faults.subjects import SUBJECTS
from polystore.errors import (
    ConnectionFailed,
    OperationTimeout,
)


class FaultScenarios(Scenarios):
    """Cut, stalled, reset and missing connections."""

    async def test_cut_connections_are_replaced_unnoticed(self, place: Place) -> None:
        """Idle connections that were cut cost no call that is safe to repeat."""
        async with self.client(place) as ps:
            await self.healthy(ps)
            for _ in range(3):
                await asyncio.to_thread(place.proxy.cut_once)
                await self.healthy(ps)

    async def test_unreachable_is_never_absent(self, place: Place) -> None:
        """Every read and write says that the server cannot be reached, and in time."""
        async with self.client(place) as ps:
            for subject in self.subjects(ps):
                await subject.write({"known": 1})
            await asyncio.to_thread(place.proxy.cut)
            for subject in self.subjects(ps):
                calls = subject.reads("known", "absent")
                calls["write"] = lambda s=subject: s.write({"new": 1})
                outcomes = await within(
                    self.patience,
                    asyncio.gather(*(call() for call in calls.values()), return_exceptions=True),
                )
                for name, outcome in zip(calls, outcomes, strict=True):
                    assert isinstance(outcome, UNREACHABLE), (subject.name, name, outcome)
                    assert outcome.retryable
                    place.told(outcome)
            await asyncio.to_thread(place.proxy.heal)
            for subject in self.subjects(ps):
                assert await subject.read(["known", "absent"]) == [1, None]
            await self.healthy(ps)

    async def test_reset_connections(self, place: Place) -> None:
        """Connections that break when they are used: an error while it lasts, then none."""
        async with self.client(place) as ps:
            await self.healthy(ps)
            await asyncio.to_thread(place.proxy.reset)
            for subject in self.subjects(ps):
                outcome = await within(self.patience, subject.read(["healthy"]))
                assert isinstance(outcome, UNREACHABLE), (subject.name, outcome)
                place.told(outcome)
            await asyncio.to_thread(place.proxy.heal)
            await self.healthy(ps)

    async def test_answers_that_end_in_the_middle(self, place: Place) -> None:
        """A read whose answer is cut short raises; it is never shorter or empty."""
        async with self.client(place) as ps:
            rows = {f"r{n:02}": n for n in range(40)}
            for subject in self.subjects(ps):
                await subject.write(rows, pad=2000)
            await asyncio.to_thread(place.proxy.cut_after, 20_000)
            for subject in self.subjects(ps):
                read = await within(self.patience, subject.read(list(rows)))
                assert isinstance(read, UNREACHABLE), (subject.name, read)
                place.told(read)
                assert isinstance(await within(self.patience, subject.scan()), UNREACHABLE)
            await asyncio.to_thread(place.proxy.heal)
            for subject in self.subjects(ps):
                assert await subject.read(list(rows)) == list(rows.values())
                assert await subject.scan() == rows

    async def test_requests_that_end_in_the_middle(self, place: Place) -> None:
        """A batch that is cut while it is sent is wholly in or wholly out."""
        async with self.client(place) as ps:
            await self.healthy(ps)
            for subject in self.subjects(ps):
                limits = (await subject.capabilities()).limits
                rows = {f"r{n:02}": n for n in range(min(limits.atomic_batch, 40))}
                pad = min(80_000 // max(len(rows), 1), (limits.value_bytes or 80_000) - 100)
                await asyncio.to_thread(lambda: place.proxy.cut_after(5000, answers=False))
                outcome = await within(self.patience, subject.write(rows, pad=pad))
                assert isinstance(outcome, UNREACHABLE), (subject.name, outcome)
                place.told(outcome)
                await asyncio.to_thread(place.proxy.heal)
                stored = await subject.read(list(rows))
                assert stored in ([None] * len(rows), list(rows.values())), subject.name
                await subject.write(rows)
                assert await subject.read(list(rows)) == list(rows.values())

    async def test_an_acknowledgement_that_is_lost(self, place: Place) -> None:
        """A write whose answer is lost with its connection is repeated, and acknowledged once."""
        async with self.client(place) as ps:
            await self.healthy(ps)
            for subject in self.subjects(ps):
                await asyncio.to_thread(lambda: place.proxy.stall(answers_only=True))
                healing = asyncio.create_task(later(0.5, place.proxy.cut, place.proxy.heal))
                outcome = await within(self.patience, subject.write({"lost": 3}))
                await healing
                assert outcome is None, (subject.name, outcome)
                assert await subject.read_one("lost") == 3

    async def test_a_stall_ends_at_the_deadline(self, place: Place) -> None:
        """Nothing comes back: each call ends at its own deadline, and the pool is well after."""
        async with self.client(place) as ps:
            await self.healthy(ps)
            await asyncio.to_thread(place.proxy.stall)
            for subject in self.subjects(ps, timeout=1.0):
                calls = [*subject.reads("known", "absent").values()]
                calls += [lambda s=subject, n=n: s.write({f"stalled-{n}": n}) for n in range(5)]
                outcomes = await within(
                    1.0, asyncio.gather(*(call() for call in calls), return_exceptions=True)
                )
                for outcome in outcomes:
                    assert isinstance(outcome, UNREACHABLE), (subject.name, outcome)
                    place.told(outcome)
            await asyncio.to_thread(place.proxy.heal)
            begun = time.monotonic()
            await self.healthy(ps)
            assert time.monotonic() - begun < self.patience + SLACK
            for subject in self.subjects(ps):
                for n, stored in enumerate(await subject.read([f"stalled-{n}" for n in range(5)])):
                    assert stored in (None, n)

    async def test_a_full_pool(self, place: Place) -> None:
        """More callers than a slow server can serve: those who wait too long are told so."""
        async with self.client(place, **place.small_pool) as ps:
            await self.healthy(ps)
            await asyncio.to_thread(place.proxy.slow, 0.6)
            kind = self.kinds[0]
            spaces = [SUBJECTS[kind](ps.workspace(f"w{n}"), 2.0) for n in range(24)]
            outcomes = await within(
                2.0,
                asyncio.gather(*(s.read_one("healthy") for s in spaces), return_exceptions=True),
            )
            refused = [outcome for outcome in outcomes if outcome is not None]
            assert refused, "nobody had to wait"
            for outcome in refused:
                assert isinstance(outcome, OperationTimeout), outcome
                place.told(outcome)
            await asyncio.to_thread(place.proxy.heal)
            await self.healthy(ps)
            patient = [SUBJECTS[kind](ps.workspace(f"w{n}")) for n in range(24)]
            again = await asyncio.gather(*(space.read_one("healthy") for space in patient))
            assert again == [None] * len(patient)

    async def test_opening_while_the_server_is_away(self, place: Place) -> None:
        """A client that cannot be opened says so in time, and leaves nothing behind."""
        await asyncio.to_thread(place.proxy.cut)
        begun = time.monotonic()
        with pytest.raises(ConnectionFailed) as caught:
            async with self.client(place):
                pass
        assert time.monotonic() - begun < 30
        assert caught.value.retryable
        place.told(caught.value)
        await asyncio.to_thread(place.proxy.heal)
        async with self.client(place) as ps:
            await self.healthy(ps)

    async def test_acknowledged_under_cuts(self, place: Place) -> None:
        """Whatever was acknowledged while connections came and went is there afterwards."""
        async with self.client(place) as ps:
            await self.healthy(ps)
            acknowledged, rounds = await under_load(self.subjects(ps), self._cuts(place))
            assert rounds > 0
            await verify(self.subjects(ps), acknowledged)
            await self.healthy(ps)

    async def _cuts(self, place: Place) -> None:
        for _ in range(12):
            await asyncio.sleep(0.2)
            await asyncio.to_thread(place.proxy.cut_once)
        await asyncio.sleep(0.3)
