"""Every exception that polystore raises, flat, each saying what to do about it.

All of them derive from `PolystoreError`, so that an application can catch one class. `retryable`
says whether the same call may succeed later without anything being changed; `hint` is the next
step; the driver's own exception is the `__cause__`. No message ever carries a password or a DSN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Sequence


class PolystoreError(Exception):
    """Base of every error raised by polystore.

    Args:
        message: What happened, for a person.
        backend: Name of the backend (the key in `backends:`), where one is involved.
        store: Name of the store, where one is involved.
        hint: What to do next.
        retryable: Whether repeating the same call can help; each class has its default.
    """

    default_retryable = False

    def __init__(
        self,
        message: str,
        *,
        backend: str | None = None,
        store: str | None = None,
        hint: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.backend = backend
        self.store = store
        self.hint = hint
        self.retryable = self.default_retryable if retryable is None else retryable

    @override
    def __str__(self) -> str:
        where = ", ".join(
            f"{label} {name!r}"
            for label, name in (("backend", self.backend), ("store", self.store))
            if name is not None
        )
        text = f"{self.message} ({where})" if where else self.message
        return f"{text}. {self.hint}" if self.hint else text


class ConfigError(PolystoreError):
    """The configuration is wrong. Correct the named line and key; nothing was opened."""


class PluginError(ConfigError):
    """A backend plugin is broken, unknown or clashes with another. Fix or remove that package."""


class _CutOff(PolystoreError):
    """Base of errors that may leave a write's fate open; `maybe_applied` says whether."""

    default_retryable = True

    def __init__(
        self,
        message: str,
        *,
        backend: str | None = None,
        store: str | None = None,
        hint: str | None = None,
        retryable: bool | None = None,
        maybe_applied: bool = True,
    ) -> None:
        super().__init__(message, backend=backend, store=store, hint=hint, retryable=retryable)
        self.maybe_applied = maybe_applied


class ConnectionFailed(_CutOff):
    """The server could not be reached or refused us. Check address, credentials and `doctor`."""


class OperationTimeout(_CutOff):
    """The deadline passed. Raise the timeout, make the call smaller, or look at the server."""


class UnsupportedError(PolystoreError):
    """This backend cannot do that, and nothing was changed. Choose another backend or call."""


class InvalidFilter(PolystoreError):
    """The filter means nothing that polystore defines. The message names the operator or path."""


class InvalidRecord(PolystoreError):
    """A value lies outside what every engine can store exactly. Refused before any I/O."""


class LimitExceeded(InvalidRecord):
    """A size is over the declared limit, which the message states. Make it smaller."""


class QuotaExceeded(LimitExceeded):
    """The workspace has what its quota allows. Delete something, or raise `quota:` of the store."""


class SchemaMismatch(PolystoreError):
    """What is stored differs from what is declared. See `polystore plan` for the way out."""


class Conflict(PolystoreError):
    """Somebody else changed it first. Read again, decide again, write again."""


class PartialWrite(PolystoreError):
    """A batch larger than one atomic chunk was written in part.

    Repeat the call for `failed` and `unknown`: plain puts, upserts and deletes are safe to repeat.

    Attributes:
        done: Positions (in the caller's order) that are stored.
        failed: Positions that are not stored.
        unknown: Positions whose fate is unknown.
    """

    def __init__(
        self,
        message: str,
        *,
        done: Sequence[int],
        failed: Sequence[int],
        unknown: Sequence[int],
        backend: str | None = None,
        store: str | None = None,
        hint: str | None = "Repeat the call for the failed and unknown positions",
        retryable: bool = True,
    ) -> None:
        super().__init__(message, backend=backend, store=store, hint=hint, retryable=retryable)
        self.done = done
        self.failed = failed
        self.unknown = unknown


class OutcomeUnknown(PolystoreError):
    """A call that is not safe to repeat was cut off. Read the item to learn what happened."""


class UnitPending(PolystoreError):
    """The unit of work is committed but not yet applied everywhere; recovery will finish it."""

    def __init__(self, message: str, *, unit_id: str, backend: str | None = None) -> None:
        super().__init__(message, backend=backend, hint="It is applied at the next recovery")
        self.unit_id = unit_id


class StoreNotFound(ConfigError):
    """No store of that name and kind is declared. Check the spelling or declare it."""


class WrongLoop(PolystoreError):
    """Used from another event loop than the one that opened it. Open one client per loop."""


class Closed(PolystoreError):
    """Used after close, or before open. Keep the `async with` block open while you use it."""


class DataCorruption(PolystoreError):
    """The engine returned something that polystore did not write. Run `polystore doctor`."""
