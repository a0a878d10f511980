"""Fixed SQL in .sql files: named blocks, and identifiers put in only by quoting them.

A file is a series of blocks, each under a line `-- name: block`. `__NAME__` in a block is the
place of an identifier; nothing else is ever substituted.
"""

from __future__ import annotations

import functools
import re
from importlib.resources import files

from polystore.errors import PolystoreError

_BLOCK = re.compile(r"^-- name: (\w+)[ \t]*\n", re.MULTILINE)
_PLACE = re.compile(r"__([A-Z][A-Z0-9_]*?)__")


def quote_ident(name: str) -> str:
    """Return `name` as an SQL identifier, whatever characters it has."""
    if "\0" in name or not name:
        raise PolystoreError(f"{name!r} cannot be an SQL identifier")
    return '"' + name.replace('"', '""') + '"'


def substitute(sql: str, **identifiers: str) -> str:
    """Return `sql` with every `__NAME__` replaced by the quoted identifier `name`.

    Args:
        sql: A text with places such as `__SCHEMA__`.
        identifiers: The unquoted identifiers, by the place's name in lower case.

    Raises:
        PolystoreError: A place has no identifier.
    """

    def put(match: re.Match[str]) -> str:
        name = match[1].lower()
        if name not in identifiers:
            raise PolystoreError(f"the SQL has a place {match[0]} that nothing is given for")
        return quote_ident(identifiers[name])

    return _PLACE.sub(put, sql)


@functools.cache
def load_blocks(file: str) -> dict[str, str]:
    """Return the blocks of `sql/FILE` of this package, by name; read once.

    Raises:
        PolystoreError: The file has text before its first block, or a name twice.
    """
    text = (files("polystore_postgres") / "sql" / file).read_text(encoding="utf-8")
    before, *parts = _BLOCK.split(text)
    names, bodies = parts[::2], parts[1::2]
    if any(line.strip() and not line.startswith("--") for line in before.splitlines()):
        raise PolystoreError(f"{file} has SQL before its first block")
    if len(set(names)) != len(names):
        raise PolystoreError(f"{file} has a block twice")
    return {name: body.strip() for name, body in zip(names, bodies, strict=True)}


def block(file: str, name: str, **identifiers: str) -> str:
    """Return one block with its identifiers in place; callers keep it, as this parses anew."""
    return substitute(load_blocks(file)[name], **identifiers)
