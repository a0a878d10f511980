"""Runs the conformance kit on the backends and writes what it showed into docs/.

`docs/conformance/` gets a report for each, and `docs/filters.md` the table of operators.
Names of reports run only those. `--table` runs nothing, and writes the table and the index from the
reports that are there. `--check` changes nothing, and fails where they differ or where a report is
not whole.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from polystore.capabilities import KINDS
from polystore.filters import OPERATORS

ROOT: Final = Path(__file__).resolve().parents[1]
REPORTS: Final = ROOT / "docs" / "conformance"
INDEX: Final = REPORTS / "index.md"
FILTERS: Final = ROOT / "docs" / "filters.md"
SUITES: Final = {
    "memory": "tests/contract/test_memory.py",
    "postgres_embedded": "tests/contract/test_postgres_embedded.py",
    "postgres_dsn": "tests/contract/test_postgres_dsn.py",
    "sqlite": "examples/sqlite_backend/tests/test_sqlite.py",
}
"""Files of suites, by the name of their report."""
COLUMNS: Final = {"memory": "memory", "postgres": "postgres_dsn", "sqlite": "sqlite"}
"""Backends in the table of operators, and the reports that tell about them."""

_TABLE = re.compile(r"(<!-- operators by backend -->\n).*?(<!-- end of operators -->)", re.DOTALL)

Report = dict[str, Any]


def run(names: list[str], folder: Path) -> None:
    """Run the kit on some backends; stop where it fails."""
    files = [str(ROOT / SUITES[name]) for name in names]
    if pytest.main([*files, "-q", "-p", "no:cacheprovider", "--polystore-report", str(folder)]):
        sys.exit("the kit failed: nothing but what ran was reported")


def load() -> dict[str, Report]:
    """Return the reports that are there, by name."""
    return {
        name: json.loads((REPORTS / f"{name}.json").read_text(encoding="utf-8")) for name in SUITES
    }


def operators(reports: dict[str, Report]) -> str:
    """Return the table of operators by backend."""
    rows = [
        "| operator | " + " | ".join(COLUMNS) + " |",
        "|---|" + "---|" * len(COLUMNS),
        *(
            f"| `{operator}` | "
            + " | ".join(_how(reports[name], operator) for name in COLUMNS.values())
            + " |"
            for operator in OPERATORS
        ),
    ]
    return "\n".join(rows)


def _how(report: Report, operator: str) -> str:
    """Return how a backend evaluates an operator: in a word if all kinds of store are alike."""
    kinds = report["kinds"]
    how = {
        kind: kinds[kind]["operators"][operator] for kind in KINDS if kind in kinds and kind != "kv"
    }
    failed = [
        result["contract"]
        for result in report["results"]
        if result["observed"] == "failed" and "/filters/" in result["contract"]
    ]
    if failed:
        sys.exit(f"{report['name']}: {', '.join(failed)} failed, so its operators are not proved")
    if len(set(how.values())) == 1:
        return next(iter(how.values()))
    return ", ".join(f"{kind}: {way}" for kind, way in how.items())


def index(reports: dict[str, Report]) -> str:
    """Return the page that leads to the reports."""
    lines = [
        "# Conformance",
        "",
        "What the [conformance kit](../api/testing.md) showed of each backend: for every contract",
        "what the backend declares and what was observed. `make conformance` runs it and writes",
        "these pages.",
        "",
        "| backend | contracts | passed | refused as declared | not applicable | overridden |",
        "|---|---|---|---|---|---|",
    ]
    for name, report in reports.items():
        counts = report["summary"]
        told = ("passed", "refused as declared", "not applicable", "overridden")
        cells = [f"[{name}]({name}.md)", len(report["results"]), *(counts[what] for what in told)]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def pages() -> dict[Path, str]:
    """Return what the pages made from the reports have to be."""
    reports = load()
    for name, report in reports.items():
        if not report["ok"] or report["summary"]["not run"]:
            sys.exit(f"the report {name} is not whole or not green")
    text = FILTERS.read_text(encoding="utf-8")
    if not _TABLE.search(text):
        sys.exit(f"{FILTERS.name} has no place for the table")
    table = operators(reports)
    return {FILTERS: _TABLE.sub(rf"\1\n{table}\n\n\2", text), INDEX: index(reports)}


def main() -> None:
    """Run and write, only write, or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SUITES)}")
    parser.add_argument("--table", action="store_true", help="run nothing")
    parser.add_argument("--check", action="store_true", help="change nothing; fail if it differs")
    given = parser.parse_args()
    if not SUITES.keys() >= set(given.names):
        parser.error(f"there are reports of {', '.join(SUITES)}")
    if not (given.table or given.check):
        run(given.names or list(SUITES), REPORTS)
    for path, text in pages().items():
        current = path.read_text(encoding="utf-8") if path.exists() else ""
        if given.check and current != text:
            sys.exit(f"{path.name} is not what the reports say: run `make conformance`")
        if current != text:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
