"""What is told of something that takes long."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from polystore.progress import Counting
from polystore.types.reports import Progress
from polystore_memory.backend import MemoryBackend
from polystore_memory.config import MemoryConfig

if TYPE_CHECKING:
    from collections.abc import Callable

ALL = Progress("main", "fields", "filling", 0, 300, "rows")


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """What lets time pass."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return lambda more: now.__setitem__(0, now[0] + more)


def test_the_start_every_second_and_the_end_are_told(seconds: Callable[[float], None]) -> None:
    seen: list[Progress] = []
    counting = Counting(seen.append, ALL)
    for _ in range(30):
        seconds(0.25)
        counting.add(10)
    assert [progress.done for progress in seen] == [0, 40, 80, 120, 160, 200, 240, 280, 300]
    assert {(p.what, p.phase, p.total, p.unit) for p in seen} == {
        ("fields", "filling", 300, "rows")
    }


def test_more_than_was_counted_before_is_told_too(seconds: Callable[[float], None]) -> None:
    """Others write meanwhile."""
    seen: list[Progress] = []
    counting = Counting(seen.append, ALL)
    counting.add(300)
    seconds(5)
    counting.add(7)
    assert [progress.done for progress in seen] == [0, 300, 307]


def test_nothing_to_do_and_nobody_who_wants_to_know() -> None:
    seen: list[Progress] = []
    Counting(seen.append, Progress("main", "fields", "filling")).add(1)
    assert not seen
    Counting(None, ALL).add(300)


async def test_what_nobody_wants_to_know_is_not_counted() -> None:
    asked = 0

    async def total() -> int:
        nonlocal asked
        asked += 1
        return 3

    backend, seen = MemoryBackend("main", MemoryConfig.model_validate({})), list[Progress]()
    (await backend.counting("fields", total, phase="filling", unit="rows")).add(3)
    assert asked == 0
    backend.on_progress = seen.append
    (await backend.counting("fields", total, phase="filling", unit="rows")).add(3)
    assert (asked, [told.done for told in seen]) == (1, [0, 3])


def test_what_the_callback_raises_is_raised() -> None:
    def refuse(progress: Progress) -> None:
        raise ValueError(progress.what)

    with pytest.raises(ValueError, match="fields"):
        Counting(refuse, ALL)
