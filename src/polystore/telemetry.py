"""Spans of operations, and metrics of them, of connections and of caches, through OpenTelemetry.

Without the package, or without a provider, an operation costs a fraction of a microsecond here.
A workspace is an attribute of spans, never of metrics, where every tenant would be a series of
its own. Neither holds keys, values, filters or messages, so nothing secret leaves by this door.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal, Self

from typing_extensions import override

from polystore.pool_metrics import watch_pool

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from opentelemetry.metrics import Counter, Histogram
    from opentelemetry.trace import Span, Tracer

    from polystore.types.reports import PoolUse

SCOPE = "polystore"
EFFECT = "polystore.effect"
_LOOK_EVERY = 1.0
"""Seconds; asking the API at every operation would cost more than all the rest here."""


class Operation:
    """What one operation reports: a context manager around it. This one reports nothing."""

    __slots__ = ("retries",)

    def __init__(self) -> None:
        self.retries = 0

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End."""


class _Measured(Operation):
    __slots__ = ("_attributes", "_current", "_owner", "_rows", "_span", "_started")

    def __init__(
        self,
        owner: Telemetry,
        name: str,
        attributes: dict[str, Any],
        span: dict[str, Any],
        rows: int,
    ) -> None:
        super().__init__()
        self._owner = owner
        self._attributes = attributes
        self._rows = rows
        self._started = time.perf_counter()
        self._current = owner.tracer.start_as_current_span(
            name,
            attributes=attributes | span,
            record_exception=False,
            set_status_on_exception=False,
        )
        self._span: Span | None = None

    @override
    def __enter__(self) -> Self:
        self._span = self._current.__enter__()
        return self

    @override
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        outcome = "ok" if kind is None else kind.__name__
        if self._span is not None:
            self._span.set_attribute("polystore.retries", self.retries)
            self._owner.conclude(self._span, outcome)
        self._current.__exit__(None, None, None)
        attributes = self._attributes | {"polystore.outcome": outcome}
        self._owner.duration.record(time.perf_counter() - self._started, attributes)
        self._owner.rows.add(self._rows, attributes)
        if self.retries:
            self._owner.retries.add(self.retries, attributes)


class Telemetry:
    """Reports the operations of one backend, if the process has a provider of OpenTelemetry."""

    silent: Operation
    """What to report to while nobody listens."""
    tracer: Tracer
    duration: Histogram
    rows: Counter
    retries: Counter
    lost: Counter

    def __init__(self, backend: str) -> None:
        self._backend = backend
        self.silent = Operation()
        self._enabled = False
        self._look_again = 0.0
        try:
            from opentelemetry import metrics, trace
        except ImportError:
            self._trace = None
            return
        self._trace = trace
        self._metrics = metrics
        self.tracer = trace.get_tracer(SCOPE)
        meter = metrics.get_meter(SCOPE)
        self.duration = meter.create_histogram(
            "polystore.operation.duration", "s", "How long operations take."
        )
        self.rows = meter.create_counter(
            "polystore.operation.rows", "{row}", "Rows that operations asked for or wrote."
        )
        self.retries = meter.create_counter(
            "polystore.operation.retries", "{retry}", "Attempts after the first."
        )
        self.lost = meter.create_counter(
            "polystore.optional.rows",
            "{row}",
            "Rows that optional stores missed or dropped without their backend.",
        )

    def without(self, store: str, effect: Literal["missed", "dropped"], rows: int) -> None:
        """Count rows that an optional store has not looked for, or not written."""
        if self.enabled():
            attributes = {"polystore.backend": self._backend, "polystore.store": store}
            self.lost.add(rows, attributes | {EFFECT: effect})

    def watch(self, pool_use: Callable[[], PoolUse | None]) -> None:
        """Have exporters of metrics ask for the connections of this backend, while it lives."""
        if self._trace is not None:
            watch_pool(self._backend, pool_use)

    def operation(
        self,
        store: str,
        operation: str,
        workspace: str,
        *,
        rows: int,
        size: int | None,
        coalesced: int,
    ) -> Operation:
        """Return what to run an operation in.

        Args:
            store: Name of the store.
            operation: Name of the operation.
            workspace: The tenant.
            rows: Rows asked for or written.
            size: Bytes written, where that is known.
            coalesced: How many callers the operation serves at once.
        """
        if not self.enabled():
            return self.silent
        attributes = {
            "polystore.backend": self._backend,
            "polystore.store": store,
            "polystore.operation": operation,
        }
        span: dict[str, Any] = {
            "polystore.workspace": workspace,
            "polystore.rows": rows,
            "polystore.coalesced": coalesced,
        }
        if size is not None:
            span["polystore.bytes"] = size
        return _Measured(self, f"polystore {operation} {store}", attributes, span, rows)

    def conclude(self, span: Span, outcome: str) -> None:
        """Set a span's status; the error's message is left out, for it may quote user data."""
        if outcome != "ok" and self._trace is not None:
            span.set_status(self._trace.StatusCode.ERROR, outcome)

    def enabled(self) -> bool:
        """Return whether anybody listens."""
        return self._enabled or self._look()

    def _look(self) -> bool:
        """Look, once a second at most, whether the application has set a provider by now."""
        now = time.monotonic()
        if self._trace is None or now < self._look_again:
            return False
        self._look_again = now + _LOOK_EVERY
        # Until then the API hands out proxies that do nothing.
        traced = type(self._trace.get_tracer_provider()).__name__ != "ProxyTracerProvider"
        metered = type(self._metrics.get_meter_provider()).__name__ != "_ProxyMeterProvider"
        self._enabled = traced or metered
        return self._enabled
