"""What was measured, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measure import Result

_HEADINGS = (
    "operation",
    "rows",
    "ours",
    "driver",
    "unit",
    "ratio",
    "same columns",
    "lowest-highest",
    "recall",
)
_LEFT = (0, 4)


def cells(result: Result) -> tuple[str, ...]:
    """Return a line of the table."""
    case = result.case
    low, high = result.ratio_range
    recall = "" if case.recall is None else f"{case.recall[0]:.3f} / {case.recall[1]:.3f}"
    return (
        case.name,
        f"{case.rows:,}",
        _number(result.median("ours")),
        _number(result.median("driver")),
        case.unit,
        f"{result.ratio:.2f}",
        "" if result.ratio_same is None else f"{result.ratio_same:.2f}",
        f"{low:.2f}-{high:.2f}",
        recall,
    )


def table(results: Sequence[Result]) -> str:
    """Return the results as a Markdown table, which is readable as it is."""
    lines = [_HEADINGS, *(cells(result) for result in results)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    rule = [
        "-" * width if column in _LEFT else "-" * (width - 1) + ":"
        for column, width in enumerate(widths)
    ]
    padded = [
        [
            text.ljust(width) if column in _LEFT else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in [padded[0], rule, *padded[1:]])


def json_line(result: Result) -> bytes:
    """Return a result as one line of JSON."""
    case = result.case
    line: dict[str, Any] = {
        "operation": case.name,
        "backend": case.backend,
        "rows": case.rows,
        "unit": case.unit,
        "ours": result.median("ours"),
        "ours_range": result.spread("ours"),
        "driver": result.median("driver"),
        "driver_range": result.spread("driver"),
        "ratio": result.ratio,
        "ratio_range": result.ratio_range,
        "ratio_same_columns": result.ratio_same,
        "rounds": case.rounds,
        "note": case.note,
    }
    if case.recall is not None:
        line["recall"], line["driver_recall"] = case.recall
    return orjson.dumps(line) + b"\n"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
