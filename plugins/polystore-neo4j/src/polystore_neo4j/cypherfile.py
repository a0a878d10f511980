"""Blocks of Cypher out of this package's files, each under a line `// name: NAME`."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Final

_BLOCK: Final = re.compile(r"^// name: (\w+)\n(.*?)(?=^// name: |\Z)", re.MULTILINE | re.DOTALL)


@cache
def _blocks(file: str) -> dict[str, str]:
    text = (files("polystore_neo4j") / "cypher" / file).read_text(encoding="utf-8")
    return {name: body.strip() for name, body in _BLOCK.findall(text)}


def block(file: str, name: str, **parts: str) -> str:
    """Return a block with its `{parts}` put in: quoted names and fixed pieces, never values."""
    text = _blocks(file)[name]
    for part, value in parts.items():
        text = text.replace(f"{{{part}}}", value)
    return text
