"""Draws how cost grows: `python tools/growth_svg.py docs/growth.svg RUN.json...`.

A run is what `polystore bench --json` printed, with several `--rows`. Each operation has a panel:
the median of a call over the records of the store, both on logarithmic scales, a colour per
backend, a dash per number of workspaces. What does not depend on the size of the store is flat.
The last panels have the most memory that the measuring process held, by kind.
"""

from __future__ import annotations

import json
import math
import sys
from collections import defaultdict
from html import escape
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COLUMNS, WIDTH, HEIGHT, GAP, TOP = 3, 300, 190, 16, 60
LEFT, BOTTOM = 44, 26
COLOURS = ("#3c6fb4", "#c98a00", "#5a8f3c", "#8a4fa3", "#b43c3c", "#3ca3a3", "#777777")
DASHES = ("none", "7 4", "2 3", "7 3 2 3")
TITLE = "Median milliseconds of a call, over the records that the store holds"
Line = tuple[str, int]
"""A backend, and the number of workspaces among which the records are spread."""
Lines = dict[Line, list[tuple[int, float]]]
Style = tuple[str, str]
"""Colour and dashes."""


def panels(timings: list[dict[str, Any]]) -> dict[str, Lines]:
    """Return for each operation the points (records, milliseconds) of each line, and of memory."""
    found: dict[str, Lines] = defaultdict(lambda: defaultdict(list))
    memory: dict[str, dict[Line, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for timing in timings:
        place = timing["place"]
        line = place["backend"], place["workspaces"]
        # What a batch costs is told for a thousand rows, whatever was in it.
        value = timing["median_ms"]
        name = f"{place['kind']} {timing['operation']}"
        if timing["unit"] == "rows":
            value, name = 1e6 / timing["per_second"], f"{name}: ms for 1,000"
        found[name][line].append((place["rows"], value))
        if timing["memory"] is not None:
            held = memory[f"{place['kind']}: memory of the client, MB"][line]
            held[place["rows"]] = max(held.get(place["rows"], 0.0), timing["memory"] / 1e6)
    times = {
        name: {line: sorted(points) for line, points in lines.items()}
        for name, lines in found.items()
    }
    return times | {
        name: {line: sorted(held.items()) for line, held in lines.items()}
        for name, lines in memory.items()
    }


def picture(timings: list[dict[str, Any]]) -> str:
    """Return the SVG."""
    drawn = panels(timings)
    keys = {line for lines in drawn.values() for line in lines}
    colours = dict(zip(sorted({backend for backend, _ in keys}), cycle(COLOURS), strict=False))
    dashes = dict(zip(sorted({count for _, count in keys}), cycle(DASHES), strict=False))
    styles = {line: (colours[line[0]], dashes[line[1]]) for line in keys}
    rows = math.ceil(len(drawn) / COLUMNS)
    width = COLUMNS * (WIDTH + GAP) + GAP
    height = TOP + rows * (HEIGHT + GAP) + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="system-ui, sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{GAP}" y="22" font-size="15" fill="#222">{TITLE}</text>',
    ]
    legend = [(name, (colour, "none")) for name, colour in colours.items()]
    legend += [(_workspaces(count), ("#222222", dash)) for count, dash in dashes.items()]
    x = GAP
    for name, style in legend:
        parts.append(_stroke(f"{x},41 {x + 24},41", style))
        parts.append(f'<text x="{x + 30}" y="45" fill="#222">{escape(name)}</text>')
        x += 50 + 7 * len(name)
    for number, (name, lines) in enumerate(drawn.items()):
        left = GAP + number % COLUMNS * (WIDTH + GAP)
        top = TOP + number // COLUMNS * (HEIGHT + GAP)
        parts += _panel(name, lines, styles, left, top)
    return "\n".join([*parts, "</svg>", ""])


def _workspaces(count: int) -> str:
    return "one workspace" if count == 1 else f"{count:,} workspaces"


def _stroke(points: str, style: Style) -> str:
    colour, dash = style
    return (
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" '
        f'stroke-dasharray="{dash}"/>'
    )


def _panel(name: str, lines: Lines, styles: dict[Line, Style], left: int, top: int) -> list[str]:
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
        places = [(across(rows), up(value)) for rows, value in line_points]
        parts.append(_stroke(" ".join(f"{x:.1f},{y:.1f}" for x, y in places), styles[line]))
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{styles[line][0]}"/>'
            for x, y in places
        ]
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
