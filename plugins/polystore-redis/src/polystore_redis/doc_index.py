"""Declared indexes as sorted sets of text: what a document's member in one is.

A member is the sort key of each field, one after the other, and then the id. Each key is escaped
(00 becomes 00 FF) and ended (00 00), and inverted where the field sorts downwards, so that members
sort as documents do and are taken apart again.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from polystore.stores.ordering import value_at
from polystore.stores.queries import Sort
from polystore.types.sortkey import sort_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from polystore.specs import FieldOrder

_INVERTED: Final = bytes(range(255, -1, -1))
_END, _END_DOWN = b"\x00\x00", b"\xff\xff"
ABOVE: Final = b"\xff\xff\xff"
"""After a prefix of members: above each of them, for no key and no id begins with this."""

_CODES: Final = {"created_at": "c", "updated_at": "u", "version": "v"}
"""System fields that the server gives; the script puts them into members."""
_LENGTH: Final = struct.Struct(">H")


def encode_key(key: bytes, *, descending: bool) -> bytes:
    """Return a sort key as a part of members."""
    part = key.replace(b"\x00", b"\x00\xff") + _END
    return part.translate(_INVERTED) if descending else part


def decode_key(part: bytes, *, descending: bool) -> bytes:
    """Return the sort key that a part of a member was made of."""
    if descending:
        part = part.translate(_INVERTED)
    return part[: -len(_END)].replace(b"\x00\xff", b"\x00")


def first_part(member: bytes, start: int = 0, *, descending: bool) -> int:
    """Return where the part of `member` that begins at `start` ends."""
    end = _END_DOWN if descending else _END
    return member.index(end, start) + len(end)


@dataclass(frozen=True)
class Index:
    """One declared index.

    Attributes:
        name: Distinct for each order of fields; part of the key of its set.
        sorts: Its fields.
    """

    name: str
    sorts: tuple[Sort, ...]

    @classmethod
    def of(cls, order: Iterable[FieldOrder]) -> Index:
        """Return the index of a declared order."""
        sorts = tuple(Sort(part.parsed, part.descending) for part in order)
        told = repr([(s.path.meta, s.path.parts, s.descending) for s in sorts])
        return cls(sha256(told.encode()).hexdigest()[:16], sorts)

    def prefix(self, keys: Sequence[bytes]) -> bytes:
        """Return how members begin whose first fields have these sort keys."""
        return b"".join(
            encode_key(key, descending=sort.descending)
            for key, sort in zip(keys, self.sorts, strict=False)
        )

    def id_of(self, member: bytes) -> bytes:
        """Return the id, in UTF-8, that a member ends in."""
        end = 0
        for sort in self.sorts:
            end = first_part(member, end, descending=sort.descending)
        return member[end:]

    def template(self, id_: str, data: dict[str, Any]) -> bytes:
        """Return how the member of a document begins, with gaps for what the server gives.

        It is a list of parts, each a letter and what it needs: `k` a part as it is, with its
        length; `c`, `u`, `v` a system field, as a capital where it sorts downwards.
        """
        parts: list[bytes] = []
        for sort in self.sorts:
            code = _CODES.get(sort.path.parts[0]) if sort.path.meta else None
            if code is not None:
                parts.append((code.upper() if sort.descending else code).encode())
                continue
            key = encode_key(
                sort_key(value_at(sort.path, data, {"id": id_})), descending=sort.descending
            )
            parts.append(b"k" + _LENGTH.pack(len(key)) + key)
        return b"".join(parts)


def templates(indexes: Sequence[Index], id_: str, data: dict[str, Any]) -> bytes:
    """Return the templates of a document for each of `indexes`, each with its length."""
    made = (index.template(id_, data) for index in indexes)
    return b"".join(_LENGTH.pack(len(template)) + template for template in made)
