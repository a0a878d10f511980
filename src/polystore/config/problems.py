"""All the problems of one configuration, raised together as one ConfigError."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from polystore.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from polystore.config.origin import KeyPath, Origin

MAX_NAMES = 12
"""How many names an error lists when none of them is near the wrong one."""


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """Return `did you mean max?`, or the known names when none is near, or an empty text."""
    names = sorted(set(known))
    folded = {name.casefold(): name for name in names}
    near = get_close_matches(wrong.casefold(), folded, n=1, cutoff=0.6)
    if near:
        return f"did you mean {folded[near[0]]}?"
    if not names:
        return ""
    more = ", ..." if len(names) > MAX_NAMES else ""
    return f"known are {', '.join(names[:MAX_NAMES])}{more}"


def with_suggestion(text: str, wrong: str, known: Iterable[str]) -> str:
    """Return `text` followed by the nearest right name, where there is one."""
    hint = suggestion(wrong, known)
    return f"{text}; {hint}" if hint else text


class Problems:
    """Collects what is wrong, each with its place, so that one run shows everything."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.found: list[tuple[int, str]] = []

    def add(self, path: KeyPath, text: str) -> None:
        """Add `text`, a whole sentence without its end, about what stands at `path`."""
        line = self.origin.line(path) or 0
        entry = (line, f"{self.origin.where(path)}: {text}")
        if entry not in self.found:
            self.found.append(entry)

    def raise_if_any(self) -> None:
        """Raise what was found, in the order of the lines.

        Raises:
            ConfigError: There are problems; its message has one on each line.
        """
        raise_problems(self.origin.name, self.found)


def raise_problems(name: str, found: list[tuple[int, str]]) -> None:
    """Raise the problems `found` (line, text) in the configuration `name`, if there are any."""
    if not found:
        return
    lines = [text for _, text in sorted(found, key=lambda entry: entry[0])]
    if len(lines) > 1:
        lines.insert(0, f"{name} has {len(lines)} problems")
    raise ConfigError("\n".join(lines))
