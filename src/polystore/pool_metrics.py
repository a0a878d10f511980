"""Connections as metrics: exporters ask for them, in a thread of theirs, whenever they export.

OpenTelemetry's instruments that are asked are made once in a process, so who is asked is kept here.
Of each backend its pool is held weakly: a client that is closed and forgotten is reported no more.
"""

from __future__ import annotations

import threading
import weakref
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions, Observation

    from polystore.types.reports import PoolUse

_watched: list[tuple[str, weakref.WeakMethod[Callable[[], PoolUse | None]]]] = []
_turn = threading.Lock()
_GAUGES = {
    "in_use": "Connections that calls have now.",
    "idle": "Connections that are open and free.",
    "waiting": "Calls that wait for a connection.",
}
_COUNTERS = {
    "created": "Connections opened.",
    "closed": "Connections closed.",
}


def watch_pool(backend: str, pool_use: Callable[[], PoolUse | None]) -> None:
    """Report what `pool_use`, a bound method, returns, for as long as its object lives."""
    _instruments()
    with _turn:
        _watched[:] = [watched for watched in _watched if watched[1]() is not None]
        _watched.append((backend, weakref.WeakMethod(pool_use)))


@cache
def _instruments() -> tuple[Any, ...]:
    from opentelemetry import metrics

    meter = metrics.get_meter("polystore")
    gauges = [
        meter.create_observable_gauge(
            f"polystore.pool.{name}", [_reader(name)], _unit(name), description
        )
        for name, description in _GAUGES.items()
    ]
    counters = [
        meter.create_observable_counter(
            f"polystore.pool.{name}", [_reader(name)], _unit(name), description
        )
        for name, description in _COUNTERS.items()
    ]
    return (*gauges, *counters)


def _unit(name: str) -> str:
    return "{call}" if name == "waiting" else "{connection}"


def _reader(name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
    from opentelemetry.metrics import Observation

    def read(_options: CallbackOptions) -> list[Observation]:
        sums: dict[str, int] = {}
        for backend, use in _uses():
            value = getattr(use, name)
            if value is not None:
                # Several clients of a process may call a backend the same.
                sums[backend] = sums.get(backend, 0) + value
        return [
            Observation(value, {"polystore.backend": backend}) for backend, value in sums.items()
        ]

    return read


def _uses() -> list[tuple[str, PoolUse]]:
    with _turn:
        watched = list(_watched)
    found: list[tuple[str, PoolUse]] = []
    for backend, method in watched:
        pool_use = method()
        use = None if pool_use is None else pool_use()
        if use is not None:
            found.append((backend, use))
    return found
