"""What a test of the kit tells the report, besides passing or failing.

The tests of one process run one after the other, so there is one current outcome.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from polystore.backend import BackendInfo
    from polystore.capabilities import Capabilities, Kind

T = TypeVar("T")

_REASON = "polystore_override_reason"


@dataclass(slots=True)
class Outcome:
    """What the test that runs has told so far.

    Attributes:
        declared: What it asked for, such as `ttl` or `filter in`, and whether that is declared.
        refused: What is not declared and was refused, as it must be.
        answered: Whether something else was answered, though some was refused.
        not_applicable: Why there is nothing to test.
    """

    declared: dict[str, bool] = field(default_factory=dict[str, bool])
    refused: set[str] = field(default_factory=set[str])
    answered: bool = False
    not_applicable: str | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """A backend as a suite found it.

    Attributes:
        info: What its plugin says.
        live: What the server can do, per kind that it serves.
        use: The name of the plugin.
    """

    use: str
    info: BackendInfo
    live: Mapping[Kind, Capabilities]


_current = Outcome()
_observed: dict[str, Observed] = {}


def begin() -> Outcome:
    """Start a new outcome, for the test that comes next, and return it."""
    global _current
    _current = Outcome()
    return _current


def not_applicable(reason: str) -> None:
    """Say why the test has nothing to test on this backend. The test then returns."""
    _current.not_applicable = reason


def note_declared(what: str, *, declared: bool) -> None:
    """Note whether something that the test asks for is declared."""
    _current.declared[what] = declared


def note_refused(what: str) -> None:
    """Note that something undeclared was refused."""
    _current.declared[what] = False
    _current.refused.add(what)


def note_answered() -> None:
    """Note that something was answered, besides what may have been refused."""
    _current.answered = True


def note_backend(module: str, observed: Observed) -> None:
    """Note the backend that the suites of a module found."""
    _observed[module] = observed


def backend_of(module: str) -> Observed | None:
    """Return the backend that the suites of a module found."""
    return _observed.get(module)


def overrides(reason: str) -> Callable[[T], T]:
    """Let a test of a suite's subclass stand for the kit's test of that name.

    The report shows it as overridden, with the reason.

    Args:
        reason: Why the kit's own test cannot hold for this backend.

    Raises:
        TypeError: The reason is empty, or is missing altogether (`@overrides` without a call).
    """
    given: Any = reason
    if not isinstance(given, str) or not given.strip():
        raise TypeError('say why: @overrides("the reason")')

    def mark(test: T) -> T:
        setattr(test, _REASON, reason.strip())
        return test

    return mark


def override_reason(test: object) -> str | None:
    """Return the reason that `overrides` gave a test, or None."""
    return getattr(test, _REASON, None)
