"""Nearest neighbours: by the index, completed or replaced by comparing every vector."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from polystore.errors import LimitExceeded
from polystore.types.json_domain import decode_json
from polystore.types.records import Hit, Hits
from polystore_milvus import columns, wire
from polystore_milvus.capabilities import MOST_HITS
from polystore_milvus.collections import metric_name
from polystore_milvus.names import in_workspace
from polystore_milvus.nearness import Best, from_engine
from polystore_milvus.options import EXACT, index_type, search_params
from polystore_milvus.rows import text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from polystore.specs import VectorSpec
    from polystore.stores.queries import SearchQuery
    from polystore.types.call import Call
    from polystore_milvus.connection import Server
    from polystore_milvus.reads import Rows

    Matrix = NDArray[np.float32]
    Found = list[tuple[str, float]]
    Answer = tuple[Any, list[tuple[int, float]]]

_ANSWER: Final = 20_000
"""Hits in one answer: each has a text and metadata."""
_PAGE: Final = 2000
_INLINE: Final = 500
"""Hits that are made of an answer at once; more in a thread."""
_FEWEST: Final = 1000
"""So few rows that match are compared: an index that others share finds few of them."""
_MARGIN: Final = 16
"""Hits asked for beyond k, to see whether equal ones stand on both sides of the k-th."""
_FLAT_BYTES: Final = 8 * 2**20
_TIE: Final = 1e-5
"""Scores that differ by less may be equal: the server computes in float32."""
_SHOWN: Final = (columns.ID, columns.TEXT, columns.METADATA)


@dataclass(frozen=True, slots=True)
class Asked:
    """A search.

    Attributes:
        call: The call.
        query: What to search for.
        condition: What the filter became; None: every row matches.
    """

    call: Call
    query: SearchQuery
    condition: str | None


class Searcher:
    """Searches one store.

    Args:
        server: The server.
        collection: The store's.
        rows: Its rows.
        spec: What was declared.
    """

    def __init__(self, server: Server, collection: str, rows: Rows, spec: VectorSpec) -> None:
        self._server = server
        self._collection = collection
        self._rows = rows
        self._spec = spec
        self.index = index_type(spec)
        self._large: set[str] = set()
        """Workspaces that had too many rows to compare; only which way is taken depends on it."""

    async def search(self, call: Call, query: SearchQuery, condition: str | None) -> list[Hits]:
        """Return the hits for each query vector.

        Args:
            call: The call.
            query: What to search for.
            condition: What the filter became; None: every row matches.
        """
        asked = Asked(call, query, condition)
        if self.index == EXACT:
            found: list[Hits] = []
            step = max(1, _FLAT_BYTES // ((query.k + _MARGIN) * 4 * self._spec.dimensions))
            for start in range(0, len(query.vectors), step):
                found += await self._flat(asked, query.vectors[start : start + step])
            return found
        if query.exact:
            return await self._compared(asked, query.vectors, plan="exact")
        if condition is None and call.workspace in self._large:
            return await self._completed(asked, await self._indexed(asked), None)
        rows = await self._rows.count(call, condition)
        if rows <= _FEWEST:
            return await self._compared(asked, query.vectors, plan="exact")
        if condition is None:
            self._large.add(call.workspace)
        return await self._completed(asked, await self._indexed(asked), rows)

    async def _indexed(self, asked: Asked) -> list[Hits]:
        found: list[Hits] = []
        vectors = asked.query.vectors
        step = max(1, min(MOST_HITS, _ANSWER // asked.query.k))
        for start in range(0, len(vectors), step):
            found += await self._by_index(asked, vectors[start : start + step])
        return found

    async def _by_index(self, asked: Asked, vectors: Matrix) -> list[Hits]:
        query = asked.query
        fields = [*_SHOWN, columns.VECTOR] if query.with_vectors else _SHOWN
        try:
            answers = await self._nearest(asked, vectors, query.k, fields)
        except LimitExceeded:  # the answer would be too large
            return await self._in_pieces(asked, vectors)
        if len(vectors) * query.k < _INLINE:
            return self._hits(asked, answers)
        # In a thread, so that others have their turn meanwhile.
        return await asyncio.to_thread(self._hits, asked, answers)

    def _hits(self, asked: Asked, answers: Sequence[Answer]) -> list[Hits]:
        plan, spec, with_vector = self.index.lower(), self._spec, asked.query.with_vectors
        return [
            Hits(
                sorted(
                    (
                        _hit(rows, row, score, spec, with_vector=with_vector)
                        for row, score in scored
                    ),
                    key=lambda hit: (-hit.score, hit.id),
                ),
                exact=False,
                plan=plan,
            )
            for rows, scored in answers
        ]

    async def _in_pieces(self, asked: Asked, vectors: Matrix) -> list[Hits]:
        middle = len(vectors) // 2
        if middle:
            first = await self._by_index(asked, vectors[:middle])
            return first + await self._by_index(asked, vectors[middle:])
        ((rows, scored),) = await self._nearest(asked, vectors, asked.query.k, [columns.ID])
        found = sorted(
            ((rows[columns.ID][row], score) for row, score in scored),
            key=lambda pair: (-pair[1], pair[0]),
        )
        (hits,) = await self._described(asked, [found], self.index.lower())
        return [Hits(hits, exact=False, plan=hits.plan)]

    async def _nearest(
        self, asked: Asked, vectors: Matrix, k: int, fields: Sequence[str]
    ) -> list[Answer]:
        """Return for each vector the columns of an answer, and which rows, with their scores."""
        spec, query = self._spec, asked.query
        inside = in_workspace(asked.call.workspace)
        request = wire.search(
            self._collection,
            inside if asked.condition is None else f"{inside} and {asked.condition}",
            fields,
            self._rows.freshness(asked.call),
            vectors,
            k=k,
            metric=metric_name(spec.metric),
            params=search_params(spec, k, query.ef, query.probes),
        )
        results = (await self._server.ask("Search", request)).results
        scores: list[float] = from_engine(
            np.asarray(results.scores, np.float64), spec.metric
        ).tolist()
        rows, end = wire.columns_of(results.fields_data), 0
        answers: list[Answer] = []
        for number in results.topks or [0] * len(vectors):
            start, end = end, end + number
            answers.append((rows, [(row, scores[row]) for row in range(start, end)]))
        return answers

    async def _completed(self, asked: Asked, found: list[Hits], rows: int | None) -> list[Hits]:
        """Compare everything where the index found fewer than there are, then apply `min_score`.

        Under a filter, and while segments grow, an index may miss much of what matches.

        Args:
            asked: What was asked.
            found: What the index found.
            rows: How many rows match, if that is known.
        """
        query = asked.query
        if min(map(len, found)) < query.k:
            if rows is None:
                rows = await self._rows.count(asked.call, asked.condition)
            most = min(query.k, rows)
            short = [number for number, hits in enumerate(found) if len(hits) < most]
            if short:
                plan = f"{self.index.lower()}+exact"
                exact = await self._compared(asked, query.vectors[short], plan=plan)
                for number, hits in zip(short, exact, strict=True):
                    found[number] = hits
        if query.min_score is None:
            return found
        least = query.min_score
        return [
            Hits((hit for hit in hits if hit.score >= least), exact=hits.exact, plan=hits.plan)
            for hits in found
        ]

    async def _flat(self, asked: Asked, vectors: Matrix) -> list[Hits]:
        """Let the server compare everything, and decide here which of equal ones come first."""
        k, limit = asked.query.k, min(MOST_HITS, asked.query.k + _MARGIN)
        fields = [columns.ID, columns.VECTOR]
        while True:
            try:
                answers = await self._nearest(asked, vectors, limit, fields)
            except LimitExceeded:  # the answer would be too large
                return await self._flat_in_pieces(asked, vectors, limit)
            if all(_is_settled(scored, k, limit) for _, scored in answers):
                break
            rows = await self._rows.count(asked.call, asked.condition)
            # Asked again for more of each, all of them may come more often than once.
            if limit == MOST_HITS or rows <= len(vectors) * limit * 4:
                return await self._compared(asked, vectors, plan="exact")
            limit = min(MOST_HITS, limit * 4)
        found = await asyncio.to_thread(self._settled, asked, vectors, answers)
        return await self._described(asked, found, "exact")

    async def _flat_in_pieces(self, asked: Asked, vectors: Matrix, limit: int) -> list[Hits]:
        middle = len(vectors) // 2
        if middle:
            first = await self._flat(asked, vectors[:middle])
            return first + await self._flat(asked, vectors[middle:])
        ((rows, scored),) = await self._nearest(asked, vectors, limit, [columns.ID])
        if not _is_settled(scored, asked.query.k, limit):
            return await self._compared(asked, vectors, plan="exact")
        best = self._best(asked, vectors[0])
        ids = sorted(rows[columns.ID][row] for row, _ in scored)
        async for part in self._rows.by_ids(asked.call, ids, [columns.ID, columns.VECTOR]):
            order = sorted(range(len(part[columns.ID])), key=part[columns.ID].__getitem__)
            best.add([part[columns.ID][row] for row in order], part[columns.VECTOR][order])
        return await self._described(asked, [best.found()], "exact")

    def _settled(self, asked: Asked, vectors: Matrix, answers: Sequence[Answer]) -> list[Found]:
        found: list[Found] = []
        for vector, (rows, scored) in zip(vectors, answers, strict=True):
            best = self._best(asked, vector)
            order = sorted((rows[columns.ID][row], row) for row, _ in scored)
            if order:
                best.add([id_ for id_, _ in order], rows[columns.VECTOR][[row for _, row in order]])
            found.append(best.found())
        return found

    async def _compared(self, asked: Asked, vectors: Matrix, *, plan: str) -> list[Hits]:
        """Compare every row that matches, here, as the server's index cannot be passed over."""
        best = [self._best(asked, vector) for vector in vectors]
        fields = [columns.ID, columns.VECTOR]
        last: str | None = None
        while True:
            page = await self._rows.page(asked.call, asked.condition, last, _PAGE, fields)
            if page.ids:
                matrix = page.rows[columns.VECTOR]
                # In a thread, so that others have their turn meanwhile.
                await asyncio.to_thread(_add_to_each, best, page.ids, matrix)
            if page.is_last:
                return await self._described(asked, [one.found() for one in best], plan)
            last = page.ids[-1]

    def _best(self, asked: Asked, vector: NDArray[np.float32]) -> Best:
        return Best(vector, asked.query.k, self._spec.metric, asked.query.min_score)

    async def _described(self, asked: Asked, found: Sequence[Found], plan: str) -> list[Hits]:
        """Return hits with text and metadata; a record that is gone by now is left out."""
        ids = sorted({id_ for pairs in found for id_, _ in pairs})
        with_vector = asked.query.with_vectors
        fields = [*_SHOWN, columns.VECTOR] if with_vector else _SHOWN
        places: dict[str, tuple[Any, int]] = {}
        async for rows in self._rows.by_ids(asked.call, ids, fields):
            places.update({id_: (rows, row) for row, id_ in enumerate(rows[columns.ID])})

        def hits() -> list[Hits]:
            return [
                Hits(
                    (
                        _hit(*places[id_], score, self._spec, with_vector=with_vector)
                        for id_, score in pairs
                        if id_ in places
                    ),
                    exact=True,
                    plan=plan,
                )
                for pairs in found
            ]

        if sum(map(len, found)) < _INLINE:
            return hits()
        return await asyncio.to_thread(hits)


def _is_settled(scored: Sequence[tuple[int, float]], k: int, limit: int) -> bool:
    """Return whether the best `k` are among the `limit` that were asked for, whatever ties."""
    if len(scored) < limit:
        return True
    last = scored[-1][1]
    return scored[k - 1][1] - last > _TIE * max(1.0, abs(last))


def _add_to_each(best: Sequence[Best], ids: Sequence[str], matrix: Matrix) -> None:
    for one in best:
        one.add(ids, matrix)


def _hit(rows: Any, row: int, score: float, spec: VectorSpec, *, with_vector: bool) -> Hit:
    distance = -score
    if spec.metric == "cosine":
        distance = 1.0 - score
    elif spec.metric == "l2":
        distance = 1.0 / score - 1.0
    return Hit(
        rows[columns.ID][row],
        score,
        distance,
        text_of(rows[columns.TEXT][row]),
        decode_json(rows[columns.METADATA][row]),
        rows[columns.VECTOR][row].copy() if with_vector else None,
    )
