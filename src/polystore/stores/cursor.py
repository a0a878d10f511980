"""Cursors of keyset pages: the last row's sort keys and id, tied to the query they belong to."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING

import orjson

from polystore.errors import InvalidFilter, InvalidRecord
from polystore.filters import to_json
from polystore.types.names import check_key

if TYPE_CHECKING:
    from polystore.filters import Filter
    from polystore.stores.queries import Sort

Position = tuple[tuple[bytes, ...], str]
"""Sort keys (`polystore.types.sortkey`) and id of the row that the next page comes after."""


def query_signature(store: str, filter_: Filter | None, sort: tuple[Sort, ...]) -> str:
    """Return a short digest of what a cursor may be used with."""
    described = [
        store,
        None if filter_ is None else to_json(filter_),
        [[sort_key.path.parts, sort_key.path.meta, sort_key.descending] for sort_key in sort],
    ]
    return hashlib.blake2b(orjson.dumps(described), digest_size=6).hexdigest()


def encode_cursor(signature: str, position: Position) -> str:
    """Return the cursor text for `position`."""
    keys, id_ = position
    body = orjson.dumps([signature, [key.hex() for key in keys], id_])
    return base64.urlsafe_b64encode(body).decode().rstrip("=")


def decode_cursor(signature: str, cursor: str, parts: int) -> Position:
    """Return the position of a cursor that `encode_cursor` made for the same query.

    Raises:
        InvalidFilter: It is damaged, or belongs to another store, filter or sort.
    """
    try:
        body = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        owner, keys, id_ = body
        position = tuple(bytes.fromhex(key) for key in keys), check_key(id_)
    except (ValueError, TypeError, binascii.Error, InvalidRecord) as error:
        raise InvalidFilter("the cursor is damaged", hint="Start at the first page") from error
    if owner != signature or len(position[0]) != parts:
        raise InvalidFilter(
            "the cursor belongs to another query",
            hint="Use a cursor with the very store, filter and sort that it came from",
        )
    return position
