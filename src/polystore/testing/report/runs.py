"""What happened to each test of the kit in a run of pytest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from polystore.testing.contracts import is_kit, required_tests
from polystore.testing.opening import Suite
from polystore.testing.outcomes import Outcome, begin

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class Run:
    """One run of one test, with one set of parameters.

    Attributes:
        suite: The author's class.
        test: Name of the test.
        outcome: What the test itself told.
        failed: The first line of what went wrong, if something did.
        error: The type of that exception.
        called: Whether the test itself was carried out.
    """

    suite: type[Suite]
    test: str
    outcome: Outcome
    failed: str | None = None
    error: str | None = None
    called: bool = False


class Runs:
    """The tests of the kit that ran, in order."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    def start(self, item: pytest.Item) -> None:
        """Note that a test begins."""
        outcome = begin()
        if not isinstance(item, pytest.Function):
            return
        suite, test = item.cls, item.originalname
        if isinstance(suite, type) and issubclass(suite, Suite) and test in required_tests(suite):
            self._runs[item.nodeid] = Run(suite, test, outcome)

    def phase(
        self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> None:
        """Note how a phase of a test went: its setup, the test itself, or its teardown."""
        run = self._runs.get(item.nodeid)
        if run is None:
            return
        if call.when == "call" and report.outcome != "skipped":
            run.called = True
        if report.outcome == "passed" and not hasattr(report, "wasxfail"):
            return
        # The kit skips nothing and expects nothing to fail, so a mark that says so is a failure.
        if run.failed is None:
            run.error = call.excinfo.typename if call.excinfo is not None else report.outcome
            text = str(call.excinfo.value) if call.excinfo is not None else report.outcome
            run.failed = next(iter(text.splitlines()), run.error)

    def of(self, suite: type[Suite], test: str) -> list[Run]:
        """Return the runs of a test."""
        return [run for run in self._runs.values() if run.suite is suite and run.test == test]

    def suites(self, module: str) -> list[type[Suite]]:
        """Return the suites that a module has, also those of which nothing ran.

        One that did not run, but others are derived from it, is none.
        """
        # A suite of many topics is derived from Suite in as many ways.
        suites = dict.fromkeys(_authors_suites(Suite))
        ran = {run.suite for run in self._runs.values()}
        return [
            suite
            for suite in suites
            if suite.__module__ == module and (suite in ran or not suite.__subclasses__())
        ]

    def modules(self) -> list[str]:
        """Return the modules of which something ran, in order."""
        return list(dict.fromkeys(run.suite.__module__ for run in self._runs.values()))


def _authors_suites(suite: type[Suite]) -> Iterator[type[Suite]]:
    for derived in suite.__subclasses__():
        if not is_kit(derived.__module__):
            yield derived
        yield from _authors_suites(derived)
