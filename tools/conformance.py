"""Runs the conformance kit on the backends and writes what it showed into docs/.

`docs/conformance/` gets a report for each, `docs/filters.md` the table of operators, `README.md`
and `docs/combinations.md` the table of capabilities.
Names of reports run only those. `--table` runs nothing, and writes the table and the index from the
reports that are there. `--check` changes nothing, and fails where they differ or where a report is
not whole.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from polystore.capabilities import KINDS, features_of
from polystore.filters import OPERATORS

ROOT: Final = Path(__file__).resolve().parents[1]
REPORTS: Final = ROOT / "docs" / "conformance"
INDEX: Final = REPORTS / "index.md"
FILTERS: Final = ROOT / "docs" / "filters.md"
CAPABILITIES: Final = (ROOT / "README.md", ROOT / "docs" / "combinations.md")
SUITES: Final = {
    "memory": "tests/contract/test_memory.py",
    "postgres_embedded": "tests/contract/test_postgres_embedded.py",
    "postgres_dsn": "tests/contract/test_postgres_dsn.py",
    "redis": "tests/contract/test_redis.py",
    "redis_cluster": "tests/contract/test_redis_cluster.py",
    "redis_embedded": "tests/contract/test_redis_embedded.py",
    "valkey": "tests/contract/test_valkey.py",
    "milvus": "tests/contract/test_milvus.py",
    "milvus_lite": "tests/contract/test_milvus_lite.py",
    "neo4j": "tests/contract/test_neo4j.py",
    "sqlite": "examples/sqlite_backend/tests/test_sqlite.py",
}
"""Files of suites, by the name of their report."""
COLUMNS: Final = {
    "memory": "memory",
    "postgres": "postgres_dsn",
    "redis": "redis",
    "milvus": "milvus",
    "milvus lite": "milvus_lite",
    "neo4j": "neo4j",
    "sqlite": "sqlite",
}
"""Backends in the tables, and the reports that tell about them."""

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


def capabilities(reports: dict[str, Report]) -> str:
    """Return the table of backend by kind by capability."""
    lines = [
        "| kind | capability | " + " | ".join(COLUMNS) + " |",
        "|---|---|" + "---|" * len(COLUMNS),
    ]
    told = [reports[name] for name in COLUMNS.values()]
    for kind in KINDS:
        rows = {"contracts held": [_held(report, kind) for report in told]}
        for feature in features_of(kind):
            rows[f"`{feature}`"] = [_has(report, kind, str(feature)) for report in told]
        if kind != "kv":
            rows["filters"] = [_filters(report, kind) for report in told]
        for number, (name, cells) in enumerate(rows.items()):
            first = "" if number else f"**{kind}**"
            lines.append(f"| {first} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _held(report: Report, kind: str) -> str:
    """Return how many contracts of a kind hold (passed, or refused as declared) of how many."""
    if kind not in report["kinds"]:
        return ""
    of_kind = [r["observed"] for r in report["results"] if r["contract"].startswith(f"{kind}/")]
    held = of_kind.count("passed") + of_kind.count("refused as declared")
    return f"{held} of {len(of_kind) - of_kind.count('not applicable')}"


def _has(report: Report, kind: str, feature: str) -> str:
    if kind not in report["kinds"]:
        return ""
    return "yes" if feature in report["kinds"][kind]["features"] else "refused"


def _filters(report: Report, kind: str) -> str:
    if kind not in report["kinds"]:
        return ""
    ways = list(report["kinds"][kind]["operators"].values())
    counts = {way: ways.count(way) for way in dict.fromkeys(ways)}
    return ", ".join(way if len(counts) == 1 else f"{n} {way}" for way, n in counts.items())


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
    wanted = {INDEX: index(reports)}
    wanted[FILTERS] = _with_table(FILTERS, "operators", operators(reports))
    for page in CAPABILITIES:
        wanted[page] = _with_table(page, "capabilities", capabilities(reports))
    return wanted


def _with_table(page: Path, what: str, table: str) -> str:
    """Return the text of a page with a table between its markers."""
    begin, end = f"<!-- {what} by backend -->\n", f"<!-- end of {what} -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        sys.exit(f"{page.name} has no place for the table of {what}")
    return f"{before}{begin}\n{table}\n\n{end}{after}"


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
