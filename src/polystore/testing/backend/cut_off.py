"""Calls that are cut off at every single await: wholly in or wholly out, and nothing leaks."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from polystore.capabilities import Feature
from polystore.errors import OperationTimeout, OutcomeUnknown
from polystore.stores.doc import DocStore
from polystore.stores.graph import GraphStore
from polystore.stores.kv import KVStore
from polystore.testing.backend.base import (
    NO_TRANSACTIONS,
    STORE_OF,
    BackendTests,
    handle,
    kinds_of,
    read,
    unserved,
    write,
)
from polystore.testing.backend.units import names, transactional
from polystore.testing.checks import Cut, contents, fresh_workspace, settled, within
from polystore.testing.outcomes import not_applicable
from polystore.testing.vector.base import record
from polystore.types.records import Edge, Node

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from polystore.capabilities import Kind
    from polystore.client import Polystore, Workspace
    from polystore.tenants import AnyStore

    Writes = dict[str, Callable[[], Awaitable[Any]]]

ROWS: Final = tuple(f"r{n}" for n in range(12))
HALF: Final = ROWS[:6]
TIMEOUT: Final = 0.01
"""Seconds that a hasty call may take."""
FAILURES: Final = 40


class _Undone(Exception):
    """Ends a unit of work so that it is rolled back."""


async def fill(store: AnyStore) -> None:
    """Store half of the rows."""
    await writes(store, HALF)["write"]()


def writes(store: AnyStore, ids: tuple[str, ...] = ROWS) -> Writes:
    """Return the writes of many rows that a store has."""
    if isinstance(store, KVStore):
        return {
            "write": lambda: store.put_many(dict.fromkeys(ids, len(ids))),
            "delete": lambda: store.delete_many(ids),
            "set": lambda: store.put_if_absent("new", 1),
            "clear": store.clear,
        }
    if isinstance(store, DocStore):
        return {
            "write": lambda: store.put_many({id_: {"n": len(ids)} for id_ in ids}),
            "delete": lambda: store.delete(list(ids)),
            "patch": lambda: store.patch("r1", {"m": 1}),
        }
    if isinstance(store, GraphStore):
        return {
            "write": lambda: store.upsert_nodes([Node(id_, ("l",), {"n": 1}) for id_ in ids]),
            "edges": lambda: store.upsert_edges([Edge(id_, "t", f"{id_}'") for id_ in ids]),
            "delete": lambda: store.delete_nodes(ids, detach=True),
        }
    return {
        "write": lambda: store.upsert([record(id_, n=len(ids)) for id_ in ids]),
        "patch": lambda: store.update_metadata({id_: {"m": 1} for id_ in HALF}),
        "delete": lambda: store.delete(list(ids)),
    }


def cancel() -> None:
    """Cancel the task that runs."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


def dawdle() -> None:
    """Let the deadline of the call that runs pass, whatever it was about to do."""
    time.sleep(1.5 * TIMEOUT)


async def carry_out(
    action: Callable[[], Awaitable[Any]], step: int, act: Callable[[], None]
) -> Cut:
    """Carry out `action` and do `act` before its await number `step`."""
    cut = Cut(action(), step, act)
    await asyncio.gather(asyncio.create_task(cut.run()), return_exceptions=True)
    return cut


class BackendCutOff(BackendTests):
    """Calls cut off."""

    async def test_cancelled_writes(self, client: Polystore, config: Mapping[str, Any]) -> None:
        """A write that is cancelled at any await is wholly in or out; the client stays healthy."""
        for kind in kinds_of(config):
            await _cut_everywhere(client, kind, cancel, asyncio.CancelledError)

    async def test_late_writes(self, client: Polystore, config: Mapping[str, Any]) -> None:
        """A write whose deadline passes at any await is wholly in or out, and says so."""
        for kind in kinds_of(config):
            await _cut_everywhere(client, kind, dawdle, OperationTimeout, OutcomeUnknown)

    async def test_cancelled_large_batches(
        self, client: Polystore, config: Mapping[str, Any]
    ) -> None:
        """An atomic batch of several messages that is cancelled at any await is in or out."""
        reason = unserved(config, "kv")
        limits = None if reason else await handle(client, "kv").capabilities()
        if limits is None or Feature.ATOMIC_ANY_SIZE not in limits.features:
            not_applicable(reason or "atomic_any_size is not declared")
            return
        items = {f"k{n}": n for n in range(limits.limits.batch_rows + 1)}
        step = 0
        while True:
            step += 1
            kv = client.workspace(fresh_workspace()).kv(STORE_OF["kv"])
            cut = await carry_out(lambda kv=kv: kv.put_many(items, atomic=True), step, cancel)
            found = await within(kv.count(), what=f"a count after await {step} was cut off")
            assert found in ({0, len(items)} if cut.error else {len(items)}), step
            if cut.steps < step:
                break

    async def test_cancelled_units(self, client: Polystore) -> None:
        """A unit over all kinds that is cancelled at any await is wholly in or out."""
        kinds = transactional(client)
        if not kinds:
            not_applicable(NO_TRANSACTIONS)
            return

        async def work(space: Workspace) -> None:
            async with space.unit_of_work(*names(kinds)) as unit:
                for kind in kinds:
                    await write(unit, kind, "a", 1)

        step = 0
        while True:
            step += 1
            space = client.workspace(fresh_workspace())
            cut = await carry_out(lambda space=space: work(space), step, cancel)
            assert cut.error is None or isinstance(cut.error, asyncio.CancelledError), cut.error

            async def look(space: Workspace = space) -> list[int | None]:
                return [await read(space, kind, "a") for kind in kinds]

            found = await settled(look, what=f"reads after await {step} was cut off")
            assert len({*found}) == 1, f"cut off at await {step}, half of a unit is there"
            assert cut.error is not None or found[0] == 1
            if cut.steps < step:
                break

    async def test_reads(self, space: Workspace, config: Mapping[str, Any]) -> None:
        """A read that is cut off raises; it never says that what is there is absent."""
        for kind in kinds_of(config):
            await write(space, kind, "a", 1)
            step = 0
            while True:
                step += 1
                cut = await carry_out(lambda kind=kind: read(space, kind, "a"), step, cancel)
                assert cut.error is not None or cut.answer == 1, (kind, step)
                if cut.steps < step:
                    break
            assert await within(read(space, kind, "a"), what=f"a read of {kind} after others") == 1

    async def test_failed_units_leak_nothing(self, space: Workspace) -> None:
        """Units that fail or are cancelled, again and again, hold nothing back."""
        kinds = transactional(space)
        if not kinds:
            not_applicable(NO_TRANSACTIONS)
            return

        async def fail(number: int) -> None:
            async with space.unit_of_work(*names(kinds)) as unit:
                await write(unit, kinds[number % len(kinds)], "a", number)
                if number % 2:
                    cancel()
                    await asyncio.sleep(0)
                raise _Undone

        for number in range(FAILURES):
            task = asyncio.create_task(fail(number))
            (error,) = await within(
                asyncio.gather(task, return_exceptions=True), what=f"failed unit number {number}"
            )
            assert isinstance(error, asyncio.CancelledError if number % 2 else _Undone), error
        await within(write(space, kinds[0], "b", 1), what="a write after failed units")
        assert await read(space, kinds[0], "a") is None


async def _cut_everywhere(
    client: Polystore, kind: Kind, act: Callable[[], None], *errors: type[BaseException]
) -> None:
    limits = (await handle(client, kind).capabilities()).limits
    for name in writes(handle(client, kind)):
        sample = handle(client.workspace(fresh_workspace()), kind)
        await fill(sample)
        before = await contents(sample)
        await writes(sample)[name]()
        allowed = [before, await contents(sample)]
        step = 0
        while True:
            step += 1
            space = client.workspace(fresh_workspace())
            store = handle(space, kind)
            await fill(store)
            hasty = store.with_options(timeout=TIMEOUT) if act is dawdle else store
            cut = await carry_out(writes(hasty)[name], step, act)
            about = f"{name} of {kind}, cut off at await {step}"
            assert cut.error is None or isinstance(cut.error, errors), (about, cut.error)
            found = await settled(lambda store=store: contents(store), what=f"a read after {about}")
            if cut.error is not None and limits.atomic_batch < len(before):
                assert _each_either(found, *allowed), about
            else:
                assert found in (allowed if cut.error is not None else allowed[1:]), about
            await within(fill(store), what=f"a write after {about}")
            if cut.steps < step:
                break


def _each_either(found: list[Any], before: list[Any], after: list[Any]) -> bool:
    """Whether each row is as it was before or after: what is left where batches are not atomic."""
    now, old, new = ({row[0]: row[1:] for row in rows} for rows in (found, before, after))
    ids = {*now, *old, *new}
    return all(now.get(id_) in (old.get(id_), new.get(id_)) for id_ in ids)
