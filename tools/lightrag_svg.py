"""Draws what storages take of a run of LightRAG: `python tools/lightrag_svg.py bench.jsonl X.svg`.

Of each whole run there is a bar for polystore and one for LightRAG's own storages; the dark part is
the time during which a storage was at work, the light one what LightRAG itself took.
"""

from __future__ import annotations

import json
import sys
from html import escape
from pathlib import Path
from typing import Any

WIDTH, LABELS, RIGHT, TOP, ROW, BAR, GAP = 900, 250, 190, 44, 22, 14, 14
STORAGE, REST = "#3c6fb4", "#c9d8ec"
PART = ": in storages"
SIDES = (("ours", "on polystore"), ("driver", "on its own storages"))
TITLE = "Time of LightRAG's runs, rules standing for models (dark: a storage is at work)"


def bars(lines: dict[str, dict[str, Any]]) -> list[tuple[str, float, float]]:
    """Return a label, the milliseconds of storages and those of the whole, for each bar."""
    found: list[tuple[str, float, float]] = []
    for name, part in lines.items():
        if not name.endswith(PART):
            continue
        whole = lines[name.removesuffix(PART)]
        run = name.removeprefix("lightrag whole ").removesuffix(PART)
        for side, label in SIDES:
            found.append((f"{run}, {label}", float(part[side]), 1000 / float(whole[side])))
    return found


def picture(drawn: list[tuple[str, float, float]]) -> str:
    """Return the SVG."""
    height = TOP + sum(ROW + GAP * (number % 2) for number in range(len(drawn))) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="22" font-size="15" fill="#222">{TITLE}</text>',
    ]
    top = TOP
    for number in range(0, len(drawn), len(SIDES)):
        pair = drawn[number : number + len(SIDES)]
        longest = max(whole for _, _, whole in pair)
        for bar in pair:
            parts += _bar(bar, longest, top)
            top += ROW
        top += GAP
    return "\n".join([*parts, "</svg>", ""])


def _bar(bar: tuple[str, float, float], longest: float, top: int) -> list[str]:
    label, storages, whole = bar
    scale = (WIDTH - LABELS - RIGHT) / longest
    y, middle = top + (ROW - BAR) / 2, top + ROW // 2 + 4
    said = f"{whole:,.1f} ms, storages {storages / whole:.0%}"
    return [
        f'<text x="{LABELS - 10}" y="{middle}" text-anchor="end" fill="#222">'
        f"{escape(label)}</text>",
        f'<rect x="{LABELS}" y="{y:.1f}" width="{whole * scale:.1f}" height="{BAR}" '
        f'fill="{REST}"/>',
        f'<rect x="{LABELS}" y="{y:.1f}" width="{storages * scale:.1f}" height="{BAR}" '
        f'fill="{STORAGE}"/>',
        f'<text x="{LABELS + whole * scale + 6:.1f}" y="{middle}" fill="#222">{said}</text>',
    ]


def main(source: str, target: str) -> None:
    """Draw what `source` has, the last line of an operation winning, into `target`."""
    text = Path(source).read_text(encoding="utf-8")
    lines = {line["operation"]: line for line in map(json.loads, text.splitlines())}
    Path(target).write_text(picture(bars(lines)), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
