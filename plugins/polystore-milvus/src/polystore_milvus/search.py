"""Nearest neighbours: by the index, completed or replaced by comparing every vector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

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

_ANSWER: Final = 20_000
"""Hits in one answer: each has a text and metadata."""
_PAGE: Final = 2000
_SHOWN: Final = (columns.ID, columns.TEXT, columns.METADATA)


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

    async def search(self, call: Call, query: SearchQuery, condition: str | None) -> list[Hits]:
        """Return the hits for each query vector.

        Args:
            call: The call.
            query: What to search for.
            condition: What the filter became; None: every row matches.
        """
        if query.exact or self.index == EXACT:
            return await self._exactly(call, query, condition, query.vectors, plan="exact")
        found: list[Hits] = []
        step = max(1, min(MOST_HITS, _ANSWER // query.k))
        for start in range(0, len(query.vectors), step):
            vectors = query.vectors[start : start + step]
            found += await self._by_index(call, query, condition, vectors)
        return await self._completed(call, query, condition, found)

    async def _by_index(
        self, call: Call, query: SearchQuery, condition: str | None, vectors: Matrix
    ) -> list[Hits]:
        spec, inside = self._spec, in_workspace(call.workspace)
        fields = [*_SHOWN, columns.VECTOR] if query.with_vectors else _SHOWN
        request = wire.search(
            self._collection,
            inside if condition is None else f"{inside} and {condition}",
            fields,
            self._rows.freshness(call),
            vectors,
            k=query.k,
            metric=metric_name(spec.metric),
            params=search_params(spec, query.k, query.ef, query.probes),
        )
        results = (await self._server.ask("Search", request)).results
        scores = from_engine(np.asarray(results.scores, np.float64), spec.metric)
        rows, end = wire.columns_of(results.fields_data), 0
        found: list[Hits] = []
        for number in results.topks or [0] * len(vectors):
            start, end = end, end + number
            hits = [
                _hit(rows, row, float(scores[row]), self._spec, with_vector=query.with_vectors)
                for row in range(start, end)
            ]
            hits.sort(key=lambda hit: (-hit.score, hit.id))
            found.append(Hits(hits, exact=False, plan=self.index.lower()))
        return found

    async def _completed(
        self, call: Call, query: SearchQuery, condition: str | None, found: list[Hits]
    ) -> list[Hits]:
        """Compare everything where the index found fewer than there are, then apply `min_score`.

        Under a filter, and while segments grow, an index may miss much of what matches.
        """
        fewest = min(map(len, found))
        if fewest < query.k:
            most = min(query.k, await self._rows.count(call, condition))
            short = [number for number, hits in enumerate(found) if len(hits) < most]
            if short:
                plan = f"{self.index.lower()}+exact"
                exact = await self._exactly(call, query, condition, query.vectors[short], plan=plan)
                for number, hits in zip(short, exact, strict=True):
                    found[number] = hits
        if query.min_score is None:
            return found
        least = query.min_score
        return [
            Hits((hit for hit in hits if hit.score >= least), exact=hits.exact, plan=hits.plan)
            for hits in found
        ]

    async def _exactly(
        self,
        call: Call,
        query: SearchQuery,
        condition: str | None,
        vectors: Matrix,
        *,
        plan: str,
    ) -> list[Hits]:
        best = [Best(vector, query.k, self._spec.metric, query.min_score) for vector in vectors]
        last: str | None = None
        while True:
            page = await self._rows.page(call, condition, last, _PAGE, [columns.ID, columns.VECTOR])
            ids = list(page[columns.ID])
            if not ids:
                break
            last = ids[-1]
            for one in best:
                one.add(ids, page[columns.VECTOR])
        return await self._described(call, query, [one.found() for one in best], plan)

    async def _described(
        self, call: Call, query: SearchQuery, found: Sequence[Found], plan: str
    ) -> list[Hits]:
        """Return hits with text and metadata; a record that is gone by now is left out."""
        ids = sorted({id_ for pairs in found for id_, _ in pairs})
        fields = [*_SHOWN, columns.VECTOR] if query.with_vectors else _SHOWN
        places: dict[str, tuple[Any, int]] = {}
        async for rows in self._rows.by_ids(call, ids, fields):
            places.update({id_: (rows, row) for row, id_ in enumerate(rows[columns.ID])})
        return [
            Hits(
                (
                    _hit(*places[id_], score, self._spec, with_vector=query.with_vectors)
                    for id_, score in pairs
                    if id_ in places
                ),
                exact=True,
                plan=plan,
            )
            for pairs in found
        ]


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
