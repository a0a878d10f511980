"""What operators read: changes that a plan proposes, findings of doctor, explanations, health."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

Severity: TypeAlias = Literal["ok", "info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Change:
    """One step from what an engine has to what the configuration declares.

    Attributes:
        backend: Name of the backend.
        store: Name of the store, or None for the backend's own layout.
        action: What it does, e.g. `create_store`, `add_field`, `add_index`, `migrate_layout`.
        summary: One line for a person.
        statements: What exactly would be sent to the engine, in its language.
        refused: Why this cannot be applied, and the way out; None if it can.
    """

    backend: str
    store: str | None
    action: str
    summary: str
    statements: tuple[str, ...] = ()
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an engine is with something that takes long, e.g. building an index.

    Attributes:
        backend: Name of the backend.
        what: What is being done, for a person.
        phase: Which part of it, in the engine's words.
        done: How much of the phase is done, in `unit`.
        total: How much there is to do; 0 where the engine does not know.
        unit: What is counted, e.g. `blocks`, `tuples`; "" where nothing is.
    """

    backend: str
    what: str
    phase: str
    done: int = 0
    total: int = 0
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation of doctor.

    Attributes:
        check: What was looked at, e.g. `reachable`, `version`, `index`.
        severity: `ok` and `info` need nothing; `warning` should be looked at; `error` is broken.
        message: What was seen.
        action: What to do, often a command; None where nothing is to do.
    """

    backend: str
    check: str
    severity: Severity
    message: str
    store: str | None = None
    action: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a store would carry out a call.

    Attributes:
        operation: The call, e.g. `find`, `search`.
        how: `native` in the engine, or `emulated` by reading more than the answer.
        access: `index` or `exact` (every candidate is compared).
        detail: The engine's own words, a line each (e.g. its query plan).
    """

    operation: str
    how: Literal["native", "emulated"]
    access: Literal["index", "exact"]
    detail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a backend answered just now, and how long that took (seconds).

    Attributes:
        ok: Whether it answered.
        message: Why not.
        optional: Whether every store on it is declared `optional`, so that the application goes
            on without it.
    """

    backend: str
    ok: bool
    latency: float
    message: str = ""
    optional: bool = False

    @property
    def status(self) -> Literal["ok", "degraded", "failed"]:
        """`degraded`: it is away, and only caches miss it. `failed`: it is away."""
        if self.ok:
            return "ok"
        return "degraded" if self.optional else "failed"


@dataclass(frozen=True, slots=True)
class PoolUse:
    """What a backend's connections are doing.

    Attributes:
        in_use: Connections that a call has now, or that are being opened for one.
        idle: Connections that are open and free.
        waiting: Calls that wait for one.
        maximum: How many there may be, None if nothing bounds them.
        created: Connections opened since the backend was; None if the driver does not tell.
        closed: Of them, those closed again.
    """

    in_use: int
    idle: int
    waiting: int
    maximum: int | None
    created: int | None = None
    closed: int | None = None


@dataclass(frozen=True, slots=True)
class BackendUse:
    """What a client has going on at one backend.

    Attributes:
        in_flight: Calls that are being carried out.
        waiting: Calls that wait for their turn, as `max_in_flight` bounds those in flight.
        maximum: How many may be in flight.
        pool: Its connections; None if it has none to count.
        open: Whether it is open; one that only optional stores are on may not be.
    """

    backend: str
    in_flight: int
    waiting: int
    maximum: int
    pool: PoolUse | None = None
    open: bool = True


@dataclass(frozen=True, slots=True)
class Degradation:
    """How an optional store has done without its backend, in this client.

    Attributes:
        missed: Rows that were asked for and not looked for, since the client was opened.
        dropped: Rows that were not written or deleted.
        since: When its backend went out of reach; None if it is in reach as far as is known.
        reason: Why.
    """

    store: str
    backend: str
    missed: int
    dropped: int
    since: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a client has going on."""

    backends: list[BackendUse]
    optional: list[Degradation]


@dataclass(frozen=True, slots=True)
class StoreSize:
    """How much a store holds in one workspace; `bytes` is an estimate or None."""

    store: str
    kind: str
    backend: str
    rows: int
    bytes: int | None = None
    detail: dict[str, int] = field(default_factory=dict[str, int])
