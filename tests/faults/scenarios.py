"""What may happen between a client and its server, for any backend whose address a proxy can take.

A test module of an engine derives a class from each suite that fits, and gives it the fixture
`place` (a fresh database behind a proxy) and, for `RestartScenarios`, `server`. See `Place`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import pytest

import polystore
from faults.subjects import SUBJECTS, DocSubject, KVSubject, Subject
from polystore.capabilities import Feature
from polystore.errors import (
    Conflict,
    ConnectionFailed,
    OperationTimeout,
    OutcomeUnknown,
    PartialWrite,
    PolystoreError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable

    from servers.toxiproxy import Proxy

    from polystore.capabilities import Kind
    from polystore.client import Polystore

UNREACHABLE = (ConnectionFailed, OperationTimeout)
SLACK = 3.0
"""Seconds that a loaded machine may add to a deadline."""


@dataclass(frozen=True)
class Place:
    """A backend whose server is behind a proxy; nothing of these suites' is in it yet.

    Attributes:
        proxy: What every connection of the client goes through.
        block: Of `backends:`, with `use` and an address that is the proxy's.
        small_pool: Settings for two connections at most, and a wait of at most a second for one.
        secrets: What no message may contain.
    """

    proxy: Proxy
    block: dict[str, Any]
    small_pool: dict[str, Any] = field(default_factory=dict[str, Any])
    secrets: tuple[str, ...] = ()

    def told(self, error: BaseException) -> None:
        """Check that an error says whose it is and what to do, and no secret."""
        assert isinstance(error, PolystoreError), repr(error)
        assert error.backend == "main", repr(error)
        assert error.hint, repr(error)
        for secret in self.secrets:
            assert secret not in str(error) + repr(error) + repr(error.__cause__)


class Restartable(Protocol):
    """A server that the test may kill and start again, with the same data and address."""

    def kill(self) -> None:
        """End it as kill -9 does; return when it is gone."""
        ...

    def start(self) -> None:
        """Start it again; return when it answers."""
        ...


class Scenarios:
    """Base: a client with one store of each kind that the backend serves.

    Attributes:
        kinds: What it serves.
        patience: The backend's `timeout` in these tests, in seconds.
        errors: What a call may raise while its server is away.
    """

    kinds: ClassVar[tuple[Kind, ...]]
    patience: ClassVar[float] = 5.0

    @asynccontextmanager
    async def client(self, place: Place, **changes: Any) -> AsyncGenerator[Polystore]:
        """Open a client on `place`, its block changed by `changes`."""
        main = {**place.block, "schema": "auto", "timeout": self.patience, "retries": 3, **changes}
        stores = {SUBJECTS[kind].name: SUBJECTS[kind].spec for kind in self.kinds}
        config = {
            "workspace": "faults",
            "backends": {"main": main},
            "defaults": dict.fromkeys(self.kinds, "main"),
            "stores": stores,
        }
        async with polystore.open(config) as ps:
            yield ps

    def subjects(self, ps: Polystore, timeout: float | None = None) -> list[Subject]:
        """Return the store of each kind."""
        return [SUBJECTS[kind](ps, timeout) for kind in self.kinds]

    async def healthy(self, ps: Polystore) -> None:
        """Check that the client works, everywhere and at once, without being told anything."""
        for subject in self.subjects(ps):
            await subject.write({"healthy": 7})
            answers = await asyncio.gather(*(subject.read(["healthy", "none"]) for _ in range(10)))
            assert answers == [[7, None]] * 10, subject.name


async def within(seconds: float, work: Awaitable[Any]) -> Any:
    """Return what `work` returns or raises; fail if that takes longer than `seconds`."""
    begun = time.monotonic()
    try:
        return await work
    except Exception as error:
        return error
    finally:
        assert time.monotonic() - begun < seconds + SLACK


async def later(seconds: float, *works: Any) -> None:
    """Call each of `works`, which block, after a while."""
    await asyncio.sleep(seconds)
    for work in works:
        await asyncio.to_thread(work)


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
                atomic = (await subject.capabilities()).limits.atomic_batch
                rows = {f"r{n:02}": n for n in range(min(atomic, 40))}
                await asyncio.to_thread(lambda: place.proxy.cut_after(5000, answers=False))
                outcome = await within(
                    self.patience, subject.write(rows, pad=80_000 // max(len(rows), 1))
                )
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
            again = await asyncio.gather(*(space.read_one("healthy") for space in spaces))
            assert again == [None] * len(spaces)

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
        trouble: When it is over, so is the load.

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

    async def make_trouble() -> None:
        try:
            await trouble
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
