"""Writes that must not be carried out twice, and units whose fate may be open."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from faults.base import UNREACHABLE, Place, Scenarios, later, within
from faults.subjects import SUBJECTS, DocSubject, KVSubject, Subject
from polystore.errors import (
    ConnectionFailed,
    OutcomeUnknown,
)

if TYPE_CHECKING:
    from polystore.client import Polystore


class OnceScenarios(Scenarios):
    """Writes of kv and doc stores that must not be carried out twice."""

    async def test_fate_unknown_is_said(self, place: Place) -> None:
        """put_if_absent and compare_and_set whose answer is lost raise OutcomeUnknown."""
        async with self.client(place) as ps:
            await self.healthy(ps)
            for subject in self.subjects(ps):
                if not isinstance(subject, KVSubject | DocSubject):
                    continue
                handle = subject.handle
                first = await self._version(subject, "healthy")
                calls: dict[str, Any] = {
                    "if": lambda h=handle: h.put_if_absent("if", {"n": 1}),
                    "healthy": lambda h=handle, v=first: h.compare_and_set("healthy", {"n": 8}, v),
                }
                for id_, call in calls.items():
                    await asyncio.to_thread(lambda: place.proxy.stall(answers_only=True))
                    healing = asyncio.create_task(later(0.5, place.proxy.cut, place.proxy.heal))
                    outcome = await within(self.patience, call())
                    await healing
                    assert isinstance(outcome, OutcomeUnknown), (subject.name, id_, outcome)
                    place.told(outcome)
                    stored = await subject.read_one(id_)
                    assert stored in ((1, None) if id_ == "if" else (7, 8))
                absent = await subject.read_one("if") is None
                assert await handle.put_if_absent("if", {"n": 2}) == absent

    async def test_deadlines_leave_the_fate_open(self, place: Place) -> None:
        """A stalled put_if_absent ends at its deadline with OutcomeUnknown, not with a no."""
        async with self.client(place) as ps:
            await self.healthy(ps)
            for subject in self.subjects(ps):
                if not isinstance(subject, KVSubject | DocSubject):
                    continue
                hasty = subject.handle.with_options(timeout=1.0)
                await asyncio.to_thread(place.proxy.stall)
                outcome = await within(1.0, hasty.put_if_absent("slow", {"n": 1}))
                assert isinstance(outcome, OutcomeUnknown), (subject.name, outcome)
                place.told(outcome)
                await asyncio.to_thread(place.proxy.heal)
                assert await subject.read_one("slow") in (1, None)

    async def test_refused_before_sending_is_no_open_fate(self, place: Place) -> None:
        """Where no connection can be had, nothing was sent: ConnectionFailed, and absent after."""
        async with self.client(place) as ps:
            await self.healthy(ps)
            await asyncio.to_thread(place.proxy.cut)
            for subject in self.subjects(ps):
                if isinstance(subject, KVSubject | DocSubject):
                    # The first may still meet a connection that looks alive.
                    await within(self.patience, subject.handle.put_if_absent("a", {"n": 1}))
                    outcome = await within(
                        self.patience, subject.handle.put_if_absent("never", {"n": 1})
                    )
                    assert isinstance(outcome, UNREACHABLE), (subject.name, outcome)
            await asyncio.to_thread(place.proxy.heal)
            for subject in self.subjects(ps):
                if isinstance(subject, KVSubject | DocSubject):
                    assert await subject.read_one("never") is None
                    assert await subject.handle.put_if_absent("never", {"n": 1})

    async def _version(self, subject: Subject, id_: str) -> int:
        handle = subject.handle
        found = await (
            handle.get_entry(id_) if isinstance(subject, KVSubject) else handle.get_document(id_)
        )
        return found.version


class UnitScenarios(Scenarios):
    """Units of work, for backends that declare `transaction`."""

    async def _unit(self, ps: Polystore, name: str, place: Place, *, stall: bool) -> None:
        names = [SUBJECTS[kind].name for kind in self.kinds]
        async with ps.unit_of_work(*names) as unit:
            for kind in self.kinds:
                await SUBJECTS[kind](unit).write({name: 5})
            if stall:
                await asyncio.to_thread(lambda: place.proxy.stall(answers_only=True))
            else:
                await asyncio.to_thread(place.proxy.cut_once)

    async def test_cut_before_the_commit(self, place: Place) -> None:
        """The unit raises and nothing of it is there."""
        async with self.client(place) as ps:
            await self.healthy(ps)
            outcome = await within(self.patience, self._unit(ps, "cut", place, stall=False))
            assert isinstance(outcome, ConnectionFailed | OutcomeUnknown), outcome
            place.told(outcome)
            for subject in self.subjects(ps):
                assert await subject.read_one("cut") is None
            await self.healthy(ps)

    async def test_the_commits_answer_is_lost(self, place: Place) -> None:
        """OutcomeUnknown, and all of the unit is there or nothing."""
        async with self.client(place) as ps:
            await self.healthy(ps)
            healing = asyncio.create_task(later(1.0, place.proxy.cut, place.proxy.heal))
            outcome = await within(self.patience, self._unit(ps, "lost", place, stall=True))
            await healing
            assert isinstance(outcome, OutcomeUnknown), outcome
            place.told(outcome)
            stored = {await subject.read_one("lost") for subject in self.subjects(ps)}
            assert stored in ({5}, {None})
            await self.healthy(ps)
