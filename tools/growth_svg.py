"""Draws how cost grows: `python tools/growth_svg.py docs/growth.svg RUN.json...`.

A run is what `polystore bench --json` printed, with several `--rows`. Each operation has a panel:
the median of a call over the records of the store, both on logarithmic scales, a line per backend
and number of workspaces. What does not depend on the size of the store is flat.
"""

from __future__ import annotations

import json
import math
import sys
from collections import defaultdict
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COLUMNS, WIDTH, HEIGHT, GAP, TOP = 3, 300, 190, 16, 60
LEFT, BOTTOM = 44, 26
COLOURS = ("#3c6fb4", "#c98a00", "#5a8f3c", "#8a4fa3", "#b43c3c", "#3ca3a3", "#777777")
TITLE = "Median milliseconds of a call, over the records that the store holds"
Lines = dict[str, list[tuple[int, float]]]


def panels(timings: list[dict[str, Any]]) -> dict[str, Lines]:
    """Return for each operation the points (records, milliseconds) of each line."""
    found: dict[str, Lines] = defaultdict(lambda: defaultdict(list))
    for timing in timings:
        place = timing["place"]
        line = place["backend"]
        if place["workspaces"] > 1:
            line += f", {place['workspaces']:,} workspaces"
        # What a batch costs is told for a thousand rows, whatever was in it.
        value = timing["median_ms"]
        name = f"{place['kind']} {timing['operation']}"
        if timing["unit"] == "rows":
            value, name = 1e6 / timing["per_second"], f"{name}: ms for 1,000"
        found[name][line].append((place["rows"], value))
    return {
        name: {line: sorted(points) for line, points in lines.items()}
        for name, lines in found.items()
    }


def picture(timings: list[dict[str, Any]]) -> str:
    """Return the SVG."""
    drawn = panels(timings)
    names = sorted({line for lines in drawn.values() for line in lines})
    colours = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(names)}
    rows = math.ceil(len(drawn) / COLUMNS)
    width = COLUMNS * (WIDTH + GAP) + GAP
    height = TOP + rows * (HEIGHT + GAP) + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="system-ui, sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{GAP}" y="22" font-size="15" fill="#222">{TITLE}</text>',
    ]
    x = GAP
    for name, colour in colours.items():
        parts.append(f'<rect x="{x}" y="34" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{x + 18}" y="45" fill="#222">{escape(name)}</text>')
        x += 40 + 7 * len(name)
    for number, (name, lines) in enumerate(drawn.items()):
        left = GAP + number % COLUMNS * (WIDTH + GAP)
        top = TOP + number // COLUMNS * (HEIGHT + GAP)
        parts += _panel(name, lines, colours, left, top)
    return "\n".join([*parts, "</svg>", ""])


def _panel(name: str, lines: Lines, colours: dict[str, str], left: int, top: int) -> list[str]:
    points = [point for line in lines.values() for point in line]
    across = _scale([rows for rows, _ in points], left + LEFT, left + WIDTH - 10)
    up = _scale([value for _, value in points], top + HEIGHT - BOTTOM, top + 28)
    parts = [
        f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" '
        'stroke="#dddddd"/>',
        f'<text x="{left + 8}" y="{top + 17}" fill="#222">{escape(name)}</text>',
    ]
    for exponent in _decades([rows for rows, _ in points]):
        x = across(10.0**exponent)
        parts.append(
            f'<text x="{x:.1f}" y="{top + HEIGHT - 8}" text-anchor="middle" fill="#777" '
            f'font-size="10">10^{exponent}</text>'
        )
    for exponent in _decades([value for _, value in points]):
        y = up(10.0**exponent)
        parts.append(
            f'<line x1="{left + LEFT}" x2="{left + WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}" '
            'stroke="#eeeeee"/>'
            f'<text x="{left + LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#777" '
            f'font-size="10">{10.0**exponent:g}</text>'
        )
    for line, line_points in lines.items():
        places = " ".join(f"{across(rows):.1f},{up(value):.1f}" for rows, value in line_points)
        parts.append(
            f'<polyline points="{places}" fill="none" stroke="{colours[line]}" stroke-width="2"/>'
        )
    return parts


def _decades(values: Sequence[float]) -> range:
    low, high = min(values), max(values)
    return range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)


def _scale(values: Sequence[float], start: float, end: float) -> Callable[[float], float]:
    exponents = _decades(values)
    low, high = exponents[0], max(exponents[-1], exponents[0] + 1)

    def place(value: float) -> float:
        return start + (math.log10(value) - low) / (high - low) * (end - start)

    return place


def main(target: str, *sources: str) -> None:
    """Draw what the runs have into `target`."""
    timings: list[dict[str, Any]] = []
    for source in sources:
        timings += json.loads(Path(source).read_text(encoding="utf-8"))
    Path(target).write_text(picture(timings), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
