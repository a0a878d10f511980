"""A badge: one line that says whether the kit is green."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from polystore.testing.report.build import FAILED, NOT_RUN, OVERRIDDEN

if TYPE_CHECKING:
    from polystore.testing.report.build import Report

_GREEN, _YELLOW, _RED = "#2e7d32", "#9a6700", "#b3261e"
_LABEL: Final = "polystore kit"
_PER_CHARACTER: Final = 7
_PADDING: Final = 12


def badge(report: Report) -> str:
    """Return an SVG of one line."""
    text, colour = _verdict(report)
    left = len(_LABEL) * _PER_CHARACTER + _PADDING
    right = len(text) * _PER_CHARACTER + _PADDING
    said = escape(f"{_LABEL}: {text}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{said}">\n'
        f"<title>{said}</title>\n"
        f'<rect width="{left}" height="20" fill="#444"/>\n'
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/>\n'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" '
        'text-anchor="middle">\n'
        f'<text x="{left / 2:g}" y="14">{_LABEL}</text>\n'
        f'<text x="{left + right / 2:g}" y="14">{escape(text)}</text>\n'
        "</g>\n</svg>\n"
    )


def _verdict(report: Report) -> tuple[str, str]:
    summary = report["summary"]
    if summary[FAILED] or not report["ok"]:
        return (f"{summary[FAILED]} failed" if summary[FAILED] else "nothing ran"), _RED
    if summary[NOT_RUN]:
        return f"incomplete, {summary[NOT_RUN]} not run", _YELLOW
    if summary[OVERRIDDEN]:
        return f"green, {summary[OVERRIDDEN]} overridden", _YELLOW
    return f"{sum(summary.values())} contracts", _GREEN
