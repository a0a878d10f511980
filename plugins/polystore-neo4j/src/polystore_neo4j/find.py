"""Finding nodes by a filter: by the index of a declared field, or by comparing every node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from polystore.filters import compile_predicate
from polystore.types.reports import Explanation
from polystore_neo4j.rows import meta_of, node_of
from polystore_neo4j.statements import field_name

if TYPE_CHECKING:
    from polystore.filters import Filter
    from polystore.stores.queries import FindQuery
    from polystore.types.call import Call
    from polystore.types.records import Node
    from polystore_neo4j.fields import Condition, Fields
    from polystore_neo4j.statements import Statements

_SCANNED: Final = 1000
_COMPARED: Final = ("every node of the workspace is read and compared",)


class Finder:
    """Finds nodes of one store.

    Args:
        statements: Of the store.
        fields: Declared ones.
    """

    def __init__(self, statements: Statements, fields: Fields) -> None:
        self._statements = statements
        self._fields = fields

    async def find(self, call: Call, query: FindQuery) -> list[Node]:
        """Return the nodes that match, by id."""
        after = "" if query.after is None else query.after[1]
        if query.filter is None:
            return await self._scan(call, after, query.limit, query.offset)
        conditions, exact = self._fields.conditions(query.filter)
        matches = compile_predicate(query.filter)
        wanted = query.offset + query.limit
        # Where the server compares all there is to compare, one page is enough.
        rows = min(wanted, _SCANNED) if exact else _SCANNED
        found: list[Node] = []
        while len(found) < wanted:
            nodes = await self._candidates(call, conditions, after, rows)
            found += [node for node in nodes if matches(node.properties, meta_of(node))]
            if len(nodes) < rows:
                break
            after = nodes[-1].id
        return found[query.offset : wanted]

    def explain(self, filter_: Filter | None) -> Explanation:
        """Return how `find` is carried out."""
        if filter_ is None:
            return Explanation("find", "native", "index", ("ids in order",))
        conditions, exact = self._fields.conditions(filter_)
        narrowest = _narrowest(conditions)
        how = "native" if exact else "emulated"
        if narrowest is None:
            told = "every node of the workspace is compared by the server"
            return Explanation("find", how, "exact", (told,) if conditions else _COMPARED)
        told = f"index on {self._fields.paths[narrowest.field or 0]}"
        rest = () if exact else ("what it leads to is read and compared",)
        return Explanation("find", how, "index", (told, *rest))

    async def _scan(self, call: Call, after: str, limit: int, skip: int) -> list[Node]:
        rows = await self._statements.read(call, "scan_nodes", after=after, limit=limit, skip=skip)
        return [node_of(row) for row in rows]

    async def _candidates(
        self, call: Call, conditions: list[Condition], after: str, limit: int
    ) -> list[Node]:
        """Return the first nodes, by id, that may match."""
        if not conditions:
            return await self._scan(call, after, limit, 0)
        texts: dict[int, str] = {}
        values: dict[str, Any] = {}
        for number, condition in enumerate(conditions):
            prefix = f"c{number}_"
            texts[number] = condition.text.replace("{}", prefix)
            values |= {f"{prefix}{n}": value for n, value in enumerate(condition.values)}
        narrowest = _narrowest(conditions)
        if narrowest is None or narrowest.field is None:
            parts = {"condition": " AND ".join(texts.values())}
            rows = await self._statements.read(
                call, "scan_matching", parts, after=after, limit=limit, **values
            )
            return [node_of(row) for row in rows]
        name = field_name(narrowest.field)
        narrow = texts.pop(conditions.index(narrowest))
        parts = {
            "field": name,
            "narrow": narrow,
            "condition": "".join(f" AND {text}" for text in texts.values()),
            # The index has one value's nodes by id; those of several have to be sorted.
            "order": f"n.ws, n.{name}, n.id" if narrowest.points == 1 else "n.id",
        }
        rows = await self._statements.read(
            call, "find_declared", parts, after=after, limit=limit, **values
        )
        return sorted(map(node_of, rows), key=_by_id)[:limit]


def _narrowest(conditions: list[Condition]) -> Condition | None:
    """Return the condition whose index leads to the fewest nodes: points, then ranges."""
    indexed = [one for one in conditions if one.field is not None]
    return min(indexed, key=lambda one: one.points or float("inf"), default=None)


def _by_id(node: Node) -> str:
    return node.id
