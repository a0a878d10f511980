"""Documents as they are stored: see lua/doc_lib.lua."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from polystore.types.json_domain import decode_json
from polystore.types.records import Document
from polystore_redis.connection import script
from polystore_redis.doc_index import templates
from polystore_redis.errors import not_ours
from polystore_redis.kv_rows import time_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.types.batches import DocBatch
    from polystore_redis.connection import Argument, Command
    from polystore_redis.doc_index import Index
    from polystore_redis.keys import Partition

PUT: Final = script("clock", "doc_lib", "doc_put")
DELETE: Final = script("clock", "doc_lib", "doc_delete")
_HEADER: Final = struct.Struct(">qqqI")


def document_of(id_: str, row: bytes) -> Document:
    """Return the document that is stored under an id.

    Raises:
        DataCorruption: It is none that polystore wrote.
    """
    if len(row) < _HEADER.size:
        raise not_ours(id_)
    version, created, updated, entries = _HEADER.unpack_from(row)
    body = row[_HEADER.size + entries :]
    if not body.startswith(b"{"):
        raise not_ours(id_)
    return Document(id_, decode_json(body), version, time_of(created), time_of(updated))


def put_command(
    part: Partition,
    batch: DocBatch,
    positions: Sequence[int],
    indexes: Sequence[Index],
    version: str = "",
) -> Command:
    """Return the command that stores some rows of a batch, all of one partition."""
    keys: list[Argument] = [part.version, part.ids, part.epoch]
    names = ",".join(index.name for index in indexes)
    arguments: list[Argument] = [part.index(""), len(indexes), names, version]
    for position in positions:
        id_ = batch.ids[position]
        keys.append(part.row(id_))
        template = templates(indexes, id_, batch.data[position]) if indexes else b""
        arguments += (id_.encode(), template, batch.data_json[position])
    return PUT.command(keys, arguments)


def delete_command(part: Partition, ids: Sequence[bytes]) -> Command:
    """Return the command that deletes some documents, all of one partition."""
    return DELETE.command([part.ids, *map(part.row_of, ids)], [part.index(""), *ids])
