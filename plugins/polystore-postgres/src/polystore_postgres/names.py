"""The names of our tables, columns and indexes, quoted; nothing else splices text into SQL."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polystore.filters import Path
    from polystore.specdiff import StoredSpec

MAX_IDENTIFIER = 63
"""Bytes of an identifier; PostgreSQL silently cuts longer ones."""

_NOT_PLAIN = re.compile(r"[^a-z0-9]+")
_SLUG = 30


def quote_identifier(name: str) -> str:
    """Return `name` as an SQL identifier that means exactly this name."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """Return `text` as an SQL string constant, whatever `standard_conforming_strings` says.

    For keys that a spec declares, where DDL takes no parameters. Values are always parameters.
    """
    quoted = "'" + text.replace("'", "''") + "'"
    return " E" + quoted.replace("\\", "\\\\") if "\\" in text else quoted


def json_expression(column: str, path: Path) -> str:
    """Return the SQL expression of the jsonb at a declared `path`, through objects only.

    An index on it is used by a query that says exactly the same.
    """
    return f"({column}{''.join(f' -> {quote_literal(part)}' for part in path.parts)})"


def short_hash(text: str) -> str:
    """Return 8 hexadecimal digits that tell `text` from others."""
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


def slug(text: str, length: int = _SLUG) -> str:
    """Return what is readable of `text`, as at most `length` of a-z, 0-9 and _."""
    return _NOT_PLAIN.sub("_", text.lower()).strip("_")[:length].strip("_") or "x"


def key_column(path: Path) -> str:
    """Return the name of the column that holds the sort key of `path`; it needs no quotes."""
    return f"k_{slug('_'.join(path.parts))}_{short_hash(str(path))}"


def index_name(table: str, what: str) -> str:
    """Return the name of the index of `table` (not quoted) that `what` tells from its others."""
    ending = f"_{short_hash(what)}"
    room = MAX_IDENTIFIER - len(table) - len(ending) - 1
    return f"{table}_{slug(what, room)}{ending}" if room > 0 else f"{table}{ending}"


@dataclass(frozen=True, slots=True)
class Names:
    """The names in one SQL schema.

    Attributes:
        schema: The schema's name, not quoted.
        vector_schema: Where the extension `vector` lives, not quoted.
    """

    schema: str
    vector_schema: str = "public"

    @property
    def quoted(self) -> str:
        """The schema's name, quoted."""
        return quote_identifier(self.schema)

    def bare(self, prefix: str, stored: StoredSpec) -> str:
        """Return the name of a store's table, not quoted and without the schema.

        Args:
            prefix: `kv`, `doc`, `vec`, `node` or `edge`.
            stored: The store. Its name is a plain identifier of at most 40 characters.
        """
        generation = f"__{stored.generation}" if stored.generation > 1 else ""
        return f"{prefix}_{stored.spec.name}{generation}"

    def table(self, prefix: str, stored: StoredSpec) -> str:
        """Return the name of a store's table, quoted, with the schema."""
        return self.qualify(self.bare(prefix, stored))

    def qualify(self, name: str) -> str:
        """Return `name` in this schema, quoted."""
        return f"{self.quoted}.{quote_identifier(name)}"
