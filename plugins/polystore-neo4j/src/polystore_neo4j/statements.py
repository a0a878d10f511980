"""Sending the statements of graph.cypher, in a unit of work or by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from polystore_neo4j.connection import Transaction
from polystore_neo4j.cypherfile import block
from polystore_neo4j.errors import Gone
from polystore_neo4j.names import quoted

if TYPE_CHECKING:
    from polystore.types.batches import Direction
    from polystore.types.call import Call
    from polystore_neo4j.connection import Row, Server

PATTERNS: Final[dict[Direction, str]] = {
    "out": "-[e:{label}]->(m)",
    "in": "<-[e:{label}]-(m)",
    "both": "-[e:{label}]-(m)",
}
"""How edges lead to the other end, by direction."""
_OUT: Final = "COUNT { (n)-[:{label}]->() }"
_IN: Final = "COUNT { (n)<-[:{label}]-() }"
DEGREES: Final[dict[Direction, str]] = {"out": _OUT, "in": _IN, "both": f"{_OUT} + {_IN}"}
"""A self-loop counts once in each direction."""


HOLD: Final = {"hold": block("graph.cypher", "hold")}
"""Takes the nodes of `ends`, in order of id, before their edges are written; goes on with each."""
HOLD_OR_CREATE: Final = {"hold": block("graph.cypher", "hold_or_create")}
"""Takes them too, and creates those that are absent."""


_OVERTAKEN: Final = 20
"""Times that a statement starts again at once because what it waited for was deleted.

Whoever did that has got on, so this ends by itself; the number is for a damaged index.
"""


def steps(direction: Direction, types: list[str] | None) -> dict[str, str]:
    """Return the parts of a statement that follows edges; it takes `types` where there are any."""
    return {
        "pattern": PATTERNS[direction],
        "types": "" if types is None else "WHERE e.type IN $types",
    }


class Statements:
    """The statements of one store.

    Args:
        server: The server.
        label: Of the store's nodes, and the type of its edges.
        shape: How many declared fields its nodes keep beside their properties.
    """

    def __init__(self, server: Server, label: str, shape: int) -> None:
        self.server = server
        self._parts = {
            "shape": str(shape),
            "fields": field_settings(shape),
            "new_fields": "".join(f", {field_name(n)}: row.fields[{n}]" for n in range(shape)),
            "label": quoted(label),
        }

    async def read(
        self, call: Call, name: str, parts: dict[str, str] | None = None, **parameters: Any
    ) -> list[Row]:
        """Return what a reading statement answers in the caller's workspace."""
        statement = self._text(name, parts)
        parameters["ws"] = call.workspace
        if isinstance(call.session, Transaction):
            return _rows(await call.session.run(statement, parameters))
        return _rows(await self.server.read(statement, parameters))

    async def write(
        self, call: Call, name: str, parts: dict[str, str] | None = None, **parameters: Any
    ) -> list[Row]:
        """Return what one writing statement answers, a transaction by itself if in no other."""
        statement = self._text(name, parts)
        parameters["ws"] = call.workspace
        if isinstance(call.session, Transaction):
            return await call.session.run(statement, parameters)
        for _ in range(_OVERTAKEN):
            try:
                return await self.server.write(statement, parameters)
            except Gone:
                continue
        return await self.server.write(statement, parameters)

    def _text(self, name: str, parts: dict[str, str] | None = None) -> str:
        return block("graph.cypher", name, **(parts or {}), **self._parts)


def _rows(records: list[Row]) -> list[Row]:
    """Return the rows of a reading statement, which come as one list in each record."""
    return [row for (rows,) in records for row in rows]


def field_name(position: int) -> str:
    """Return the property that holds the declared field of this position."""
    return f"f{position}"


def field_settings(shape: int) -> str:
    """Return what sets so many declared fields of a node `n` from a row."""
    return "".join(f", n.{field_name(n)} = row.fields[{n}]" for n in range(shape))
