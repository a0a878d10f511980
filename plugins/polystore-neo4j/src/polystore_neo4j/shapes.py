"""Nodes that were stored by who did not know of all declared fields yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from polystore.types.json_domain import decode_json
from polystore_neo4j.cypherfile import block
from polystore_neo4j.fields import Fields
from polystore_neo4j.names import quoted
from polystore_neo4j.statements import field_settings

if TYPE_CHECKING:
    from polystore.backend import Backend
    from polystore.specs import GraphSpec
    from polystore_neo4j.connection import Row, Server

_ROWS: Final = 1000


class Shapes:
    """Brings the nodes of a store up to the fields that are declared.

    Until then they are found all the same, by comparing each of them; so others may go on to read
    and write.

    Args:
        server: The server.
        label: Of the store's nodes.
        spec: The store.
    """

    def __init__(self, server: Server, label: str, spec: GraphSpec) -> None:
        self._server = server
        self._fields = Fields(spec)
        shape = len(self._fields.paths)
        self._parts = {
            "shape": str(shape),
            "fields": field_settings(shape),
            "label": quoted(label),
        }

    async def are_behind(self) -> bool:
        """Whether any node is."""
        return bool(await self._behind(1))

    async def catch_up(self, backend: Backend[Any]) -> None:
        """Give every node what it lacks, and tell `backend` how far it is."""
        if not self._fields.paths:
            return

        async def left() -> int:
            counted = block("graph.cypher", "count_out_of_shape", **self._parts)
            [(number,)] = await self._server.read(counted, {})
            return number

        what = f"fields of {self._parts['label']}"
        counting = await backend.counting(what, left, phase="filling", unit="nodes")
        statement = block("graph.cypher", "reshape", **self._parts)
        while found := await self._behind(_ROWS):
            rows = [
                {
                    "ws": ws,
                    "id": id_,
                    "version": version,
                    "fields": self._fields.of(decode_json(json)),
                }
                for ws, id_, json, version in sorted(found)
            ]
            await self._server.write(statement, {"rows": rows})
            counting.add(len(rows))

    async def _behind(self, limit: int) -> list[Row]:
        if not self._fields.paths:
            return []
        statement = block("graph.cypher", "out_of_shape", **self._parts)
        return await self._server.read(statement, {"limit": limit})
