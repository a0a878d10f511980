"""The report for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.filters import OPERATORS
from polystore.testing.report.build import FAILED, NOT_APPLICABLE, OVERRIDDEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from polystore.testing.report.build import Report, Result


def markdown(report: Report) -> str:
    """Return the report in Markdown."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    name = report["name"]
    yield f"# Conformance: {name}"
    yield ""
    yield f"![conformance kit]({name}.svg)"
    yield ""
    yield (
        f"Backend `{report['backend']}`, kit of polystore-core {report['kit']}, contract version "
        f"{report['contract_version']}. Made by `pytest --polystore-report`; not to be edited."
    )
    yield ""
    yield from _table(
        ("observed", "contracts"), ((what, str(n)) for what, n in report["summary"].items())
    )
    yield from _exceptions(report["results"])
    yield from _declarations(report)
    for topic, results in _topics(report["results"]).items():
        yield f"## {topic}"
        yield ""
        yield from _table(("contract", "promise", "declared", "observed"), map(_contract, results))


def _exceptions(results: list[Result]) -> Iterator[str]:
    """Yield what a reader wants to see first: what failed, and what does not hold as it stands."""
    for observed in (FAILED, OVERRIDDEN, NOT_APPLICABLE):
        told = [result for result in results if result["observed"] == observed]
        if not told:
            continue
        yield f"## {observed.capitalize()}"
        yield ""
        yield from _table(
            ("suite", "contract", "reason"),
            ((r["suite"], f"`{r['contract']}`", "; ".join(r["reasons"])) for r in told),
        )


def _declarations(report: Report) -> Iterator[str]:
    kinds = report["kinds"]
    yield "## Declared"
    yield ""
    yield from _table(
        ("kind", "features", "not declared"),
        (
            (kind, ", ".join(kept["features"]), ", ".join(kept["undeclared"]))
            for kind, kept in kinds.items()
        ),
    )
    if kinds:
        limits = next(iter(kinds.values()))["limits"]
        yield from _table(
            ("limit", *kinds),
            ((name, *(_limit(k["limits"][name]) for k in kinds.values())) for name in limits),
        )
    filtered = {kind: kept for kind, kept in kinds.items() if kept["operators"]}
    if filtered:
        yield from _table(
            ("operator", *filtered),
            ((op, *(kept["operators"][op] for kept in filtered.values())) for op in OPERATORS),
        )


def _limit(value: int | None) -> str:
    return "unlimited" if value is None else str(value)


def _topics(results: list[Result]) -> dict[str, list[Result]]:
    topics: dict[str, list[Result]] = {}
    for result in results:
        topic = f"{result['suite']}: {result['contract'].rpartition('/')[0]}"
        topics.setdefault(topic, []).append(result)
    return topics


def _contract(result: Result) -> tuple[str, str, str, str]:
    declared = ", ".join(
        what if is_declared else f"not {what}" for what, is_declared in result["declared"].items()
    )
    test = result["contract"].rpartition("/")[2].removeprefix("test_")
    runs = f" ({result['runs']} runs)" if result["runs"] > 1 else ""
    return test, result["promise"], declared or "always", f"{result['observed']}{runs}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
    yield ""
