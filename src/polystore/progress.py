"""How far something is that takes long, told now and then."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from polystore.types.reports import Progress

_EVERY: Final = 1.0
"""Seconds between two times that it is told."""


class Counting:
    """Counts what is done, and tells it at the start, about every second, and at the end.

    Args:
        tell: What to call; None: nobody wants to know.
        start: What is being done, nothing of it yet. If its `total` is 0, nothing is told.
    """

    def __init__(self, tell: Callable[[Progress], object] | None, start: Progress) -> None:
        self._tell = tell if start.total else None
        self._now = start
        self._last = 0.0
        self.add(0)

    def add(self, number: int) -> None:
        """Count `number` more as done.

        Raises:
            Exception: What the callback raises.
        """
        self._now = replace(self._now, done=self._now.done + number)
        whole = self._now.done >= self._now.total
        if self._tell is not None and (whole or time.monotonic() - self._last >= _EVERY):
            self._last = time.monotonic()
            self._tell(self._now)
