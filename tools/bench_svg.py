"""Draws the ratios of a bench run: `python tools/bench_svg.py bench.jsonl docs/bench.svg`.

A bar is the speed of ours with the bare driver's as 1, on a logarithmic scale; a tick is the same
beside the driver with the columns that ours has.
"""

from __future__ import annotations

import json
import math
import sys
from html import escape
from pathlib import Path
from typing import Any

WIDTH, LABELS, RIGHT, TOP, ROW, BAR = 900, 330, 60, 56, 22, 14
LOWEST, HIGHEST = 0.25, 16.0
MARKS = (0.25, 0.5, 1, 2, 4, 8, 16)
COLOURS = {"kv": "#3c6fb4", "doc": "#5a8f3c", "vector": "#c98a00", "graph": "#8a4fa3"}
OTHER = "#777777"
TITLE = (
    "Speed beside the bare driver (1 = as quick); the tick: beside the driver with the same columns"
)


def place(ratio: float) -> float:
    """Return where `ratio` lies across the picture."""
    inside = min(max(ratio, LOWEST), HIGHEST)
    share = math.log(inside / LOWEST) / math.log(HIGHEST / LOWEST)
    return LABELS + share * (WIDTH - LABELS - RIGHT)


def picture(lines: list[dict[str, Any]]) -> str:
    """Return the SVG of the operations on PostgreSQL."""
    height = TOP + ROW * len(lines) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="22" font-size="15" fill="#222">{TITLE}</text>',
    ]
    for mark in MARKS:
        x, colour = place(mark), "#222222" if mark == 1 else "#dddddd"
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{height - 12}" stroke="{colour}"/>'
            f'<text x="{x:.1f}" y="{TOP - 12}" text-anchor="middle" fill="#555">{mark:g}</text>'
        )
    for number, line in enumerate(lines):
        parts += _bar(line, TOP + number * ROW)
    return "\n".join([*parts, "</svg>", ""])


def _bar(line: dict[str, Any], top: int) -> list[str]:
    name, ratio = str(line["operation"]), float(line["ratio"])
    start, end = sorted((place(1), place(ratio)))
    colour = COLOURS.get(name.split()[0], OTHER)
    middle = top + ROW // 2 + 4
    parts = [
        f'<text x="{LABELS - 10}" y="{middle}" text-anchor="end" fill="#222">{escape(name)}</text>',
        f'<rect x="{start:.1f}" y="{top + (ROW - BAR) / 2:.1f}" width="{max(end - start, 1):.1f}" '
        f'height="{BAR}" fill="{colour}"/>',
        f'<text x="{end + 6:.1f}" y="{middle}" fill="#222">{ratio:.2f}</text>',
    ]
    same = line.get("ratio_same_columns")
    if same is not None:
        x = place(float(same))
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top + 2}" y2="{top + ROW - 2}" stroke="#000000" '
            'stroke-width="2"/>'
        )
    return parts


def main(source: str, target: str) -> None:
    """Draw what `source` has, the last line of an operation winning, into `target`."""
    text = Path(source).read_text(encoding="utf-8")
    lines = {line["operation"]: line for line in map(json.loads, text.splitlines())}
    drawn = [line for line in lines.values() if line["backend"] == "postgres"]
    Path(target).write_text(picture(drawn), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
