"""Draws docs/layers.svg from the layers that import-linter holds, so that the picture is true.

Run `python tools/layers_svg.py`; a test says when the committed picture is stale.
"""

from __future__ import annotations

import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "layers.svg"
WIDTH, ROW, GAP, LEFT = 860, 34, 8, 20
STEP = 137
NOTES = {
    "cli": "the command line: parses, calls the library, prints",
    "bench | demo | scaffold": "measuring; a corpus and questions; the beginning of a plugin",
    "sync | testing | migration": "the client without await; the kit for authors; migrate-from",
    "client": "open(), the client, workspaces",
    "tenancy": "what can be done with a workspace as a whole",
    "units | health | workspace_lines": "units of work; doctor; export of a workspace",
    "tenants": "workspaces: list, size, drop",
    "schema": "plan, apply, what happens at open",
    "runtime": "stores bound to the backends that serve them",
    "backends": "configuration + plugins -> open backends, and those out of reach",
    "declaring": "what file, code and plugins declare",
    "plugins": "hooks, and finding plugins without importing drivers",
    "backend | sources": "BackendInfo, Backend, Source: what an author implements",
    "stores | config": "handles, drivers, the call pipeline; YAML -> models",
    "specdiff": "how a declared store differs from a stored one",
    "stored": "what a catalogue says of a store, and its generations",
    "specs": "declared stores: KVSpec, VectorSpec, GraphSpec, DocSpec",
    "progress | telemetry": "how far something is; spans and metrics",
    "capabilities | embedded | filters | pool_metrics": "capabilities; local servers; filters",
    "types": "data that crosses the seam",
    "errors": "every exception",
}


def layers() -> list[str]:
    """Return the layers, the highest first, as pyproject.toml has them."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    return next(contract["layers"] for contract in contracts if contract["type"] == "layers")


def picture() -> str:
    """Return the SVG."""
    rows = layers()
    height = LEFT * 2 + len(rows) * (ROW + GAP) + 96
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="system-ui, sans-serif" font-size="14">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for number, layer in enumerate(rows):
        parts += _row(layer, LEFT + number * (ROW + GAP))
    parts += _plugins(LEFT + len(rows) * (ROW + GAP) + 14)
    return "\n".join([*parts, "</svg>", ""])


def _row(layer: str, top: int) -> list[str]:
    seam = layer in {"backend", "stores | config"}
    fill, edge = ("#fff3d6", "#c98a00") if seam else ("#eaf1fb", "#3c6fb4")
    middle = top + ROW // 2 + 5
    return [
        f'<rect x="{LEFT}" y="{top}" width="250" height="{ROW}" rx="6" fill="{fill}" '
        f'stroke="{edge}"/>',
        f'<text x="{LEFT + 14}" y="{middle}" font-weight="600" fill="#1c2b3a">'
        f"{escape(layer.replace(' | ', '   ·   '))}</text>",
        f'<text x="{LEFT + 268}" y="{middle}" fill="#44525f">{escape(NOTES[layer])}</text>',
    ]


def _plugins(top: int) -> list[str]:
    parts = [
        f'<text x="{LEFT}" y="{top + 12}" fill="#44525f">Imports go downwards only. Plugins stand '
        "beside: they import the core and their driver, never one another.</text>"
    ]
    names = ("-postgres", "-redis", "-neo4j", "-memory", "yours")
    for number, short in enumerate(names):
        left = LEFT + number * STEP
        name = f"polystore{short}" if short.startswith("-") else short
        parts += [
            f'<rect x="{left}" y="{top + 26}" width="{STEP - 8}" height="{ROW}" rx="6" '
            'fill="#e8f5ea" stroke="#3f8f52"/>',
            f'<text x="{left + 8}" y="{top + 48}" font-size="12" font-weight="600" '
            f'fill="#1c2b3a">{name}</text>',
        ]
    return parts


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
