"""Printing: tables, JSON, errors. Plain where no person looks, nothing that drives a terminal."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

    from polystore.errors import PolystoreError

STYLES = {
    "error": "bold red",
    "refused": "bold red",
    "warning": "yellow",
    "degraded": "yellow",
    "ok": "green",
    "yes": "green",
}
"""How cells with these texts look on a terminal."""


def line(text: str = "") -> None:
    """Print one line, whatever is in `text`."""
    sys.stdout.write(f"{visible(text)}\n")


def indented(text: str) -> None:
    """Print a text that may have several lines, as part of what stands above it."""
    for part in text.splitlines():
        line(f"    {part}")


def note(text: str) -> None:
    """Tell something that is no part of the output, on stderr; it may have several lines."""
    sys.stdout.flush()  # so that both come in order where they meet
    sys.stderr.write("".join(f"{visible(part)}\n" for part in text.split("\n")))


def confirmed(question: str) -> bool:
    """Ask on the terminal; anything but y and yes means no.

    Not to be called in an event loop, where an interruption would wait for the answer.
    """
    return answer(f"{question} [y/N]").lower() in ("y", "yes")


def answer(question: str) -> str:
    """Ask on the terminal, and return what was typed; not to be called in an event loop."""
    sys.stdout.flush()
    sys.stderr.write(f"{visible(question)} ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def json(value: object) -> None:
    """Print `value` as indented JSON."""
    from json import dumps

    sys.stdout.write(dumps(value, indent=2) + "\n")


def json_line(value: object) -> None:
    """Print `value` as JSON in one line, at once."""
    from json import dumps

    sys.stdout.write(dumps(value) + "\n")
    sys.stdout.flush()


@contextmanager
def screen(*, active: bool) -> Generator[Callable[[], None]]:
    """Yield what begins a page: on a terminal a whole screen, elsewhere after an empty line."""
    if not (active and sys.stdout.isatty()):
        pages = 0

        def separate() -> None:
            nonlocal pages
            if pages:
                line()
            sys.stdout.flush()
            pages += 1

        yield separate
        return
    from rich.console import Console

    console = Console()
    with console.screen(hide_cursor=True):

        def clear() -> None:
            sys.stdout.flush()
            console.clear()

        yield clear


def plain_data(reports: Iterable[Any]) -> list[dict[str, Any]]:
    """Return reports (dataclasses) as what JSON knows."""
    return [asdict(report) for report in reports]


def error(problem: PolystoreError) -> None:
    """Print an error and the way out on stderr."""
    where = ", ".join(
        f"{label} {name}"
        for label, name in (("backend", problem.backend), ("store", problem.store))
        if name is not None
    )
    note(f"error: {problem.message}" + (f" ({where})" if where else ""))
    if problem.hint:
        note(f"hint: {problem.hint}")


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns: with rich on a terminal, else aligned by spaces and never cut."""
    shown = [[visible(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        _plain_table([list(headers), *shown])
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(*headers, box=None, header_style="bold", pad_edge=False)
    for row in shown:
        grid.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    Console(no_color=bool(os.environ.get("NO_COLOR")), highlight=False).print(grid)


def _plain_table(rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def visible(text: str) -> str:
    """Return `text` with control characters escaped: names may hold what drives a terminal."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def size(count: int | None) -> str:
    """Return a number of bytes for a person."""
    if count is None:
        return "?"
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:  # noqa: PLR2004  of the unit
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def details(values: Mapping[str, int]) -> str:
    """Return named numbers for a person."""
    return ", ".join(f"{value} {name}" for name, value in values.items())
