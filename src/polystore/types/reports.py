"""What operators read: changes that a plan proposes, findings of doctor, explanations, health."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

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
    """Whether a backend answered just now, and how long that took (seconds)."""

    backend: str
    ok: bool
    latency: float
    message: str = ""


@dataclass(frozen=True, slots=True)
class StoreSize:
    """How much a store holds in one workspace; `bytes` is an estimate or None."""

    store: str
    kind: str
    backend: str
    rows: int
    bytes: int | None = None
    detail: dict[str, int] = field(default_factory=dict[str, int])
