"""Where a configuration came from: file, lines, and which of its values must not be shown."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

KeyPath: TypeAlias = tuple[str | int, ...]
"""The keys and list positions that lead to a value: `("backends", "main", "pool")`."""

_PLAIN = re.compile(r"[\w-]+")


def show_path(path: KeyPath) -> str:
    """Return `path` for a person: `backends.main.hosts[2]`, odd keys in quotes."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        shown = part if _PLAIN.fullmatch(part) else ascii(part)
        text += f".{shown}" if text else shown
    return text


def _no_lines() -> dict[KeyPath, int]:
    return {}


def _no_texts() -> dict[KeyPath, str]:
    return {}


def _process_environment() -> Mapping[str, str]:
    return os.environ


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known about the text or mapping that a configuration was read from.

    Attributes:
        name: How errors name it: the file as the caller wrote it, or `configuration`.
        file: The file, or None for a mapping.
        base_dir: What relative paths in it are relative to.
        lines: The line (from 1) of each key and list item; empty for a mapping.
        substituted: The values that contain text of environment variables; never shown.
        environ: The environment that `${NAME}` and `{env: NAME}` read.
    """

    name: str = "configuration"
    file: Path | None = None
    base_dir: Path = field(default_factory=Path.cwd)
    lines: Mapping[KeyPath, int] = field(default_factory=_no_lines, repr=False)
    substituted: Mapping[KeyPath, str] = field(default_factory=_no_texts, repr=False)
    environ: Mapping[str, str] = field(default_factory=_process_environment, repr=False)

    def line(self, path: KeyPath) -> int | None:
        """Return the line of `path`, or of the nearest thing around it that has one."""
        for length in range(len(path), 0, -1):
            line = self.lines.get(path[:length])
            if line is not None:
                return line
        return None

    def where(self, path: KeyPath) -> str:
        """Return `polystore.yaml:12` or, without a line, `polystore.yaml`."""
        line = self.line(path)
        return self.name if line is None else f"{self.name}:{line}"
