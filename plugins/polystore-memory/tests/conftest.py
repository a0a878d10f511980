"""A space whose clock the test sets, and drivers on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from polystore.types.call import Call
from polystore_memory.space import Space

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1_000_000

    def __call__(self) -> int:
        return self.seconds * 10**9


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def space(clock: Callable[[], int]) -> Space:
    return Space(clock)


@pytest.fixture
def call() -> Call:
    return Call("acme")
