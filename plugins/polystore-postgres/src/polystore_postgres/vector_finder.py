"""Carrying out searches."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from polystore.errors import PolystoreError
from polystore.stores.queries import SearchQuery
from polystore.types.records import Hits
from polystore.types.reports import Explanation
from polystore_postgres.codecs import encode_matrix
from polystore_postgres.vector_index import index_state
from polystore_postgres.vector_search import (
    MOST_QUERIES,
    IndexState,
    exact_limit,
    has_iterative_scans,
    index_candidates,
    index_settings,
    plan_name,
    planner_settings,
    to_hits,
)

if TYPE_CHECKING:
    from polystore.filters import Filter
    from polystore.specs import VectorSpec
    from polystore.stores.queries import FindQuery
    from polystore.types.call import Call
    from polystore_postgres.pool import Pool
    from polystore_postgres.schema_vector import AnnIndex
    from polystore_postgres.vector_sql import VectorSql

_REMEMBERED: Final = 10.0
"""Seconds that counts and the index's state are relied on: they decide how, never what."""
_MOST_COUNTS: Final = 1000
_MOST_SETTINGS: Final = 100
_PLANNER: Final = planner_settings()
EXACT: Final = "exact"
"""The plan, and the statement, that compares all that is meant."""

Row: TypeAlias = Any
"""id, text, metadata, distance and perhaps the vector: a record of the driver, or a tuple."""


@dataclass(frozen=True, slots=True)
class _Count:
    rows: int
    bound: int
    until: float

    def answers(self, limit: int) -> bool:
        """Whether this tells if there are more than `limit`; counting ended above `bound`."""
        return self.rows <= self.bound or self.rows > limit


class Finder:
    """Searches one store."""

    def __init__(self, pool: Pool, spec: VectorSpec, sql: VectorSql) -> None:
        self._pool = pool
        self._spec = spec
        self._sql = sql
        self._iterative = has_iterative_scans(pool.facts.vector_version)
        self._clock = asyncio.get_running_loop().time
        self._index_name = "" if sql.ann is None else plan_name(sql.ann)
        self._tuned: dict[object, dict[str, str]] = {}
        self._counts: dict[tuple[str, Filter | None], _Count] = {}
        self._state: tuple[IndexState, float] | None = None

    def forget(self) -> None:
        """Look at the index and count anew."""
        self._state = None
        self._counts.clear()

    async def search(self, call: Call, query: SearchQuery) -> list[Hits]:
        """Carry out `VectorDriver.search`."""
        state = await self._choose(call, query)
        settings = self._settings(call, query, state)
        if state is None:
            found = await self._run(call, query, EXACT, settings)
            return [self._hits(rows, query, EXACT) for rows in found]
        found = await self._run(call, query, "nearest", settings)
        plans = [self._index_name] * len(found)
        # More than k match, as the count said: where fewer came, the index missed them.
        short = [number for number, rows in enumerate(found) if len(rows) < query.k]
        if short:
            rest = replace(query, vectors=query.vectors[short])
            completed = await self._run(call, rest, EXACT, settings)
            for number, rows in zip(short, completed, strict=True):
                found[number] = rows
                plans[number] += f"+{EXACT}"
        return [self._hits(rows, query, plan) for rows, plan in zip(found, plans, strict=True)]

    async def explain(self, call: Call, query: FindQuery | SearchQuery) -> Explanation:
        """Carry out `Driver.explain`."""
        if not isinstance(query, SearchQuery):
            raise PolystoreError("a vector store explains searches only")
        state = await self._choose(call, query)
        sql, parameters = self._statement(call, query, EXACT if state is None else "nearest")
        settings = self._settings(call, query, state)
        lane = self._pool.reading(call)
        plan = await lane.fetch(f"EXPLAIN {sql}", *parameters, settings=settings)
        lines = tuple(row[0] for row in plan)
        if state is None:
            return Explanation("search", "native", "exact", (EXACT, *lines))
        return Explanation("search", "native", "index", (self._index_name, *lines))

    async def _choose(self, call: Call, query: SearchQuery) -> IndexState | None:
        """Return the state of the index if it is to be used; None: compare all that is meant."""
        ann = self._sql.ann
        if ann is None or query.exact:
            return None
        state = await self._index_state(call, ann)
        if not state.ready:
            return None
        limit = exact_limit(state.rows, query.k)
        few = await self._matching(call, query.filter, limit) <= limit
        return None if few else state

    async def _index_state(self, call: Call, ann: AnnIndex) -> IndexState:
        now = self._clock()
        if self._state is None or self._state[1] < now:
            state = await index_state(self._pool.reading(call), ann, self._sql.table)
            self._state = (state, now + _REMEMBERED)
        return self._state[0]

    async def _matching(self, call: Call, filter_: Filter | None, limit: int) -> int:
        """Return how many rows match; of more than `limit`, only that they are more."""
        now = self._clock()
        key = (call.workspace, filter_)
        known = self._counts.get(key)
        if known is not None and known.until > now and known.answers(limit):
            return known.rows
        parameters: list[object] = [call.workspace, limit + 1]
        sql = self._sql.filtered(self._sql.text("count_up_to"), filter_, parameters)
        rows: int = await self._pool.reading(call).fetchval(sql, *parameters)
        if len(self._counts) >= _MOST_COUNTS:
            self._counts.clear()
        self._counts[key] = _Count(rows, limit, now + _REMEMBERED)
        return rows

    async def _run(
        self, call: Call, query: SearchQuery, name: str, settings: dict[str, str]
    ) -> list[list[Row]]:
        """Return the rows found for each query vector, best first."""
        found: list[list[Row]] = []
        several = len(query.vectors) > MOST_QUERIES
        for start in range(0, len(query.vectors), MOST_QUERIES):
            rows_asked = query.vectors[start : start + MOST_QUERIES]
            part = replace(query, vectors=rows_asked) if several else query
            sql, parameters = self._statement(call, part, name)
            rows = await self._pool.reading(call).fetch(sql, *parameters, settings=settings)
            found += _by_number(rows, len(part.vectors))
        return found

    def _statement(self, call: Call, query: SearchQuery, name: str) -> tuple[str, list[object]]:
        vectors = encode_matrix(query.vectors)
        many = len(vectors) > 1
        parameters: list[object] = [call.workspace, vectors if many else vectors[0]]
        ann = self._sql.ann
        text = self._sql.search(
            name,
            k=query.k,
            candidates=query.k if ann is None else index_candidates(ann, query.k),
            with_vectors=query.with_vectors,
            many=many,
        )
        return self._sql.filtered(text, query.filter, parameters), parameters

    def _settings(self, call: Call, query: SearchQuery, state: IndexState | None) -> dict[str, str]:
        ann = self._sql.ann
        asked = None if ann is None or state is None else (state, query.k, query.ef, query.probes)
        known = self._tuned.get(asked)
        if known is None:
            known = {}
            if ann is not None and state is not None:
                known = index_settings(ann, query, state, iterative=self._iterative)
            if len(self._tuned) >= _MOST_SETTINGS:
                self._tuned.clear()
            self._tuned[asked] = known
        # A unit's other statements would be planned by these settings until it ends.
        return known if call.session is not None else _PLANNER | known

    def _hits(self, rows: list[Row], query: SearchQuery, plan: str) -> Hits:
        hits = to_hits(rows, self._spec, query.min_score)
        return Hits(hits, exact=plan.endswith(EXACT), plan=plan)


def _by_number(rows: list[Row], queries: int) -> list[list[Row]]:
    """Return rows that begin with the number of their query, from 1, apart and without it."""
    if queries == 1:
        return [rows]
    found: list[list[Row]] = [[] for _ in range(queries)]
    for number, *row in rows:
        found[number - 1].append(tuple(row))
    for part in found:
        part.sort(key=_order)
    return found


def _order(row: Row) -> tuple[float, str]:
    return row[3], row[0]
