"""Building indexes over documents that are there already, while others read and write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from polystore_redis.connection import script
from polystore_redis.doc_index import Index, templates
from polystore_redis.doc_rows import document_of
from polystore_redis.doc_walk import EVERYTHING, Walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from polystore.backend import Backend
    from polystore.specs import DocSpec
    from polystore_redis.connection import Argument, Server
    from polystore_redis.keys import Partition, StoreKeys

_INDEX: Final = script("clock", "doc_lib", "doc_index")
_ROWS: Final = 200


async def build_index(
    server: Server,
    keys: StoreKeys,
    workspaces: Iterable[str],
    spec: DocSpec,
    backend: Backend[Any],
) -> None:
    """Bring every document into every index; safe to repeat.

    First each partition is told how many indexes a writer has to know: who knows fewer is refused
    from then on, so that no document is stored past the new ones.

    Args:
        server: The server.
        keys: The store's.
        workspaces: All that it may have.
        spec: The store, as it is to be.
        backend: Is told how far it is.
    """
    indexes = [Index.of(order) for order in spec.orders()]
    parts = [part for workspace in workspaces for part in keys.all_of(workspace)]

    async def total() -> int:
        held = 0
        for at in range(0, len(parts), _ROWS):
            some = parts[at : at + _ROWS]
            held += sum(await server.many([("ZCARD", part.ids) for part in some]))
        return held

    what = f"indexes of {spec.name}"
    counting = await backend.counting(what, total, phase="filling", unit="documents")
    for part in parts:
        await server.command("SET", part.epoch, len(indexes))
        walk = Walk(server, [part.ids], EVERYTHING)
        while ids := await walk.block(_ROWS):
            await _index(server, part, ids, indexes)
            counting.add(len(ids))


async def _index(
    server: Server, part: Partition, ids: Sequence[bytes], indexes: Sequence[Index]
) -> None:
    (rows,) = await server.strings([[part.row_of(id_) for id_ in ids]])
    found: list[Argument] = []
    arguments: list[Argument] = [part.index(""), ",".join(index.name for index in indexes)]
    for id_, row in zip(ids, rows, strict=True):
        if row is not None:
            document = document_of(id_.decode(), row)
            found.append(part.row_of(id_))
            arguments += (id_, document.version, templates(indexes, document.id, document.data))
    if found:
        await server.run(_INDEX, found, arguments)
