"""What tests of the kit share: strict comparison, refusals that change nothing, waiting."""

from __future__ import annotations

import asyncio
import functools
import json
import uuid
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

import numpy as np
import pytest

from polystore.errors import UnsupportedError
from polystore.stores.doc import DocStore
from polystore.stores.graph import GraphStore
from polystore.stores.kv import KVStore
from polystore.stores.vector import VectorStore
from polystore.testing.outcomes import note_declared, note_refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable

    from polystore.capabilities import Feature
    from polystore.errors import PolystoreError

    Store = KVStore | VectorStore | GraphStore | DocStore

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")

WAIT = 20.0
"""Seconds until waiting for something that must happen is given up; no measure of speed."""
_STEP = 0.02


def fresh_workspace() -> str:
    """Return the name of a workspace that nobody has used."""
    return f"kit-{uuid.uuid4().hex}"


def same(left: Any, right: Any) -> bool:
    """Return whether two JSON values are equal; a bool is no number, 1 equals 1.0."""
    if isinstance(left, dict) and isinstance(right, dict):
        ours, theirs = cast("dict[str, Any]", left), cast("dict[str, Any]", right)
        return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in ours)
    if isinstance(left, list) and isinstance(right, list):
        mine, other = cast("list[Any]", left), cast("list[Any]", right)
        return len(mine) == len(other) and all(map(same, mine, other))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right
    if isinstance(left, str | bytes) and isinstance(right, str | bytes):
        return type(left) is type(right) and left == right
    return left is None and right is None


def assert_same(left: Any, right: Any, *, about: object = "") -> None:
    """Fail unless `left` (what came back) equals `right` (what was expected)."""
    assert same(left, right), f"{about} came back as {left!r}, expected {right!r}"


async def snapshot(store: Store) -> Any:
    """Return everything that a store holds in its workspace, with versions, comparable."""
    if isinstance(store, KVStore):
        return sorted([(e.key, repr(e.value), e.version) async for e in store.scan()])
    if isinstance(store, DocStore):
        return sorted([(d.id, repr(d.data), d.version) async for d in store.scan()])
    if isinstance(store, VectorStore):
        return sorted(
            [
                (r.id, r.text, repr(r.metadata), np.asarray(r.vector).tobytes(), r.version)
                async for r in store.scan(with_vectors=True)
            ]
        )
    nodes = [(n.id, n.labels, repr(n.properties), n.version) async for n in store.scan_nodes()]
    edges = [(*e.key, repr(e.properties), e.version) async for e in store.scan_edges()]
    return sorted(nodes), sorted(edges)


async def contents(store: Store) -> Any:
    """Return everything that a store holds in its workspace, without versions, comparable."""
    if isinstance(store, KVStore):
        return sorted([(e.key, repr(e.value)) async for e in store.scan()])
    if isinstance(store, DocStore):
        return sorted([(d.id, _shown(d.data)) async for d in store.scan()])
    if isinstance(store, VectorStore):
        return sorted([(r.id, r.text or "", _shown(r.metadata)) async for r in store.scan()])
    nodes = [(n.id, n.labels, _shown(n.properties)) async for n in store.scan_nodes()]
    edges = [(*e.key, _shown(e.properties)) async for e in store.scan_edges()]
    return sorted(nodes), sorted(edges)


def _shown(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True)


async def assert_refused(
    store: Store,
    error: type[PolystoreError],
    attempt: Callable[[], Awaitable[Any]],
    *,
    about: object = "",
) -> None:
    """Fail unless `attempt` raises `error`, with a message, and the store holds what it held."""
    before = await snapshot(store)
    await assert_raises(error, attempt, about=about)
    assert await snapshot(store) == before, f"{about} was refused, but the data changed"


async def assert_raises(
    error: type[PolystoreError], attempt: Callable[[], Awaitable[Any]], *, about: object = ""
) -> PolystoreError:
    """Return the `error` that `attempt` raises; fail if it raises nothing or something else."""
    try:
        answer = await attempt()
    except error as caught:
        refusal = caught
    else:
        pytest.fail(f"{about!r} raised no {error.__name__}, but answered {answer!r}")
    assert refusal.message, "the error says nothing"
    return refusal


async def eventually(condition: Callable[[], Awaitable[bool]], *, what: str) -> None:
    """Wait until `condition` holds; fail when it does not within `WAIT` seconds."""
    try:
        async with asyncio.timeout(WAIT):
            while not await condition():  # noqa: ASYNC110 - engines tell nobody of an expiry
                await asyncio.sleep(_STEP)
    except TimeoutError:
        pytest.fail(f"waited {WAIT:g} s, but never: {what}")


async def within(awaitable: Awaitable[T], *, what: str) -> T:
    """Return what `awaitable` gives; fail when it gives nothing within `WAIT` seconds."""
    try:
        async with asyncio.timeout(WAIT):
            return await awaitable
    except TimeoutError:
        pytest.fail(f"waited {WAIT:g} s for {what}: something was not let go of")


async def settled(look: Callable[[], Awaitable[T]], *, what: str) -> T:
    """Return what `look` sees, once it sees the same twice in a row.

    A call that was cut off may still be carried out, wholly, a moment later: in the middle of a
    look that takes several reads, too. What is half done stays half done, and is seen.
    """

    async def see() -> T:
        last = await look()
        while (now := await look()) != last:
            last = now
        return now

    return await within(see(), what=what)


class Cut:
    """Carries out an awaitable, and does something just before one of its awaits.

    Args:
        awaitable: What to carry out.
        step: Which of the points at which it gives up the event loop, from 1 on.
        act: What to do there.

    Attributes:
        steps: How often it gave up the event loop.
        answer: What it returned.
        error: What it raised.
    """

    def __init__(self, awaitable: Awaitable[Any], step: int, act: Callable[[], None]) -> None:
        self.steps = 0
        self.answer: Any = None
        self.error: BaseException | None = None
        self._awaitable = awaitable
        self._step = step
        self._act = act

    async def run(self) -> None:
        """Carry it out; what it raises is kept."""
        try:
            self.answer = await self
        except BaseException as error:
            self.error = error
            raise

    def __await__(self) -> Generator[Any, Any, Any]:
        """Go on from step to step."""
        inner = self._awaitable.__await__()
        proceed: Callable[[], Any] = inner.__next__
        while True:
            try:
                waited_for = proceed()
            except StopIteration as end:
                return end.value
            self.steps += 1
            if self.steps == self._step:
                self._act()
            try:
                sent = yield waited_for
            except BaseException as error:
                proceed = functools.partial(_throw, inner, error)
            else:
                proceed = functools.partial(_send, inner, sent)


def _throw(inner: Any, error: BaseException) -> Any:
    return inner.throw(error)


def _send(inner: Any, value: Any) -> Any:
    # Only generators can be sent to; what else can be waited for takes nothing.
    return next(inner) if value is None else inner.send(value)


def declared(
    feature: Feature, *, otherwise: Callable[[S], Awaitable[Any]]
) -> Callable[
    [Callable[Concatenate[Any, P], Coroutine[Any, Any, None]]],
    Callable[Concatenate[Any, P], Coroutine[Any, Any, None]],
]:
    """Make a test of what `feature` promises, where the store declares it.

    Where it does not, `otherwise` (an attempt to use it, given the store) must raise
    UnsupportedError and leave the data as it was. The store is the test's first fixture that is
    one.
    """

    def decorate(
        test: Callable[Concatenate[Any, P], Coroutine[Any, Any, None]],
    ) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, None]]:
        @functools.wraps(test)
        async def run(self: Any, *args: P.args, **kwargs: P.kwargs) -> None:
            store = _store_among(kwargs.values())
            if feature in (await store.capabilities()).features:
                note_declared(feature, declared=True)
                await test(self, *args, **kwargs)
                return
            await assert_refused(
                store,
                UnsupportedError,
                lambda: otherwise(cast("S", store)),
                about=f"the undeclared {feature.value}",
            )
            note_refused(feature)

        return run

    return decorate


def asking(
    *operators: str,
) -> Callable[
    [Callable[Concatenate[Any, P], Coroutine[Any, Any, None]]],
    Callable[Concatenate[Any, P], Coroutine[Any, Any, None]],
]:
    """Make a test that asks filters with `operators`; undeclared, its question must be refused."""

    def decorate(
        test: Callable[Concatenate[Any, P], Coroutine[Any, Any, None]],
    ) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, None]]:
        @functools.wraps(test)
        async def run(self: Any, *args: P.args, **kwargs: P.kwargs) -> None:
            store = _store_among(kwargs.values())
            lacking = set(operators) - (await store.capabilities()).filters
            for operator in operators:
                note_declared(f"filter {operator}", declared=operator not in lacking)
            if not lacking:
                await test(self, *args, **kwargs)
                return
            await assert_raises(
                UnsupportedError, lambda: test(self, *args, **kwargs), about=operators
            )
            for operator in lacking:
                note_refused(f"filter {operator}")

        return run

    return decorate


def _store_among(fixtures: Iterable[object]) -> Store:
    for value in fixtures:
        if isinstance(value, KVStore | VectorStore | GraphStore | DocStore):
            return value
    raise TypeError("a test under @declared needs a store among its fixtures")
