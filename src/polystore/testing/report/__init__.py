"""A report on a run of the kit, as a pytest plugin.

    pytest -p polystore.testing.report --polystore-report DIR test_my_backend.py

For each file of suites it writes NAME.json, NAME.md and NAME.svg (a badge) into DIR; NAME is that
of the file, without `test_`. Each contract is told with what the backend declares about it and
what was observed. A suite of which no test ran, and a run without any test of the kit, fail.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from polystore.testing.report.badge import badge
from polystore.testing.report.build import build
from polystore.testing.report.markdown import markdown
from polystore.testing.report.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Generator

    from polystore.testing.report.build import Report

_OPTION = "--polystore-report"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption(
        _OPTION,
        metavar="DIR",
        type=Path,
        default=None,
        help="write reports on the conformance kit's suites (JSON, Markdown, badge) into DIR",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start to collect results, if a report is wanted."""
    folder: Path | None = config.getoption(_OPTION)
    if folder is not None:
        config.pluginmanager.register(Reporter(folder), "polystore-report")


class Reporter:
    """Collects what the suites' tests tell, and writes it at the end.

    Args:
        folder: Where the reports go.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs = Runs()
        self._reports: list[Report] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Forget what the test before has told."""
        self._runs.start(item)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Take over how setup, the test itself and teardown went."""
        report = yield
        self._runs.phase(item, call, report)
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the reports; fail the run where suites had nothing to run."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for module in self._runs.modules():
            report = build(module, self._runs)
            self._reports.append(report)
            path = self._folder / report["name"]
            text = json.dumps(report, indent=1, ensure_ascii=False)
            path.with_suffix(".json").write_text(f"{text}\n", encoding="utf-8")
            path.with_suffix(".md").write_text(markdown(report), encoding="utf-8")
            path.with_suffix(".svg").write_text(badge(report), encoding="utf-8")
        if session.exitstatus == pytest.ExitCode.OK and not all(r["ok"] for r in self._all()):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say in a line what each report says."""
        for report in self._reports:
            counts = ", ".join(f"{n} {what}" for what, n in report["summary"].items() if n)
            terminalreporter.write_line(f"conformance of {report['name']}: {counts}")
        if not self._reports:
            terminalreporter.write_line("conformance: no test of the kit ran", red=True)

    def _all(self) -> list[Report]:
        return self._reports or [build("", self._runs)]
