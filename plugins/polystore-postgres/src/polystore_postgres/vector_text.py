"""Text search: the records with any word of a text, those with its rare words first.

score = norm * (sum of the idf of the words that the record has),
idf = ln(1 + (N - n + 0.5) / (n + 0.5)), over N records of the workspace, n of which have the word,
norm = (k1 + 1) / (1 + k1 * (1 - b + b * length / average)), length = the record's different words:
BM25 for words that stand in a text once, as it is not stored how often they do.

The numbers behind it are remembered for some seconds, counted up to a bound, and beyond it
estimated from some of the records. So they may be a little off. They only influence the rank:
who is found is decided by the words alone.
"""

from __future__ import annotations

import asyncio
import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from polystore.types.records import Hit, Hits
from polystore_postgres.vector_search import planner_settings
from polystore_postgres.words import any_word, different_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.stores.queries import TextQuery
    from polystore.types.call import Call
    from polystore_postgres.pool import Pool
    from polystore_postgres.vector_sql import VectorSql

K1: Final = 1.2
B: Final = 0.25
_HIGHEST_NORM: Final = (K1 + 1) / (1 + K1 * (1 - B))

_RANKED_WORDS: Final = 100
"""Further words of a text find records, but do not influence their rank."""
_FIRST_RECORDS: Final = 4_000
"""The rarest word is looked up first, and with it others until so many records may have them."""
_MOST_RECORDS: Final = 10_000
"""That are ranked in one statement."""
_SAMPLE: Final = 1_000
"""Records whose words say how frequent the frequent words are, and how long texts are."""
_FREQUENT: Final = 20
"""A word that so many of the sample have is not counted one by one."""
_MOST_COUNTED: Final = 10_000
_REMEMBERED: Final = 30.0
"""Seconds."""
_MOST_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Totals:
    """About a workspace: its records, and the average number of different words in a text."""

    records: int
    length: float
    until: float


@dataclass(frozen=True, slots=True)
class _Ranking:
    """How the words of one query count.

    Attributes:
        words: All of them, the rarest first.
        weights: The idf of the first of them; further ones have none.
        rare: How many of them are looked up before the others.
        length: The average number of different words in a text.
    """

    words: list[str]
    weights: list[float]
    rare: int
    length: float

    def most_without_rare(self) -> float:
        """Return the score that a record without any of the rare words cannot exceed."""
        return _HIGHEST_NORM * sum(self.weights[self.rare :])


class TextFinder:
    """Searches the texts of one store."""

    def __init__(self, pool: Pool, sql: VectorSql) -> None:
        self._pool = pool
        self._sql = sql
        self._clock = asyncio.get_running_loop().time
        self._totals: dict[str, _Totals] = {}
        self._counts: dict[tuple[str, str], tuple[int, float]] = {}

    async def search(self, call: Call, query: TextQuery) -> Hits:
        """Carry out `VectorDriver.search_text`.

        `Hits.exact` is False where so many records match that only some of them were ranked.
        """
        asked = different_words(query.text)
        if not asked:
            return Hits(exact=True, plan="text")
        ranking = await self._ranking(call, asked)
        found: dict[str, Hit] = {}
        exact = True
        if ranking.rare < len(asked):
            rare = ranking.words[: ranking.rare]
            hits, exact = await self._run(call, query, rare, ranking)
            bound = ranking.most_without_rare()
            # If not all that have rare words were ranked, the others do not matter.
            if len(hits) == query.k and (not exact or hits[-1].score > bound):
                return Hits(hits, exact=exact, plan="text")
            found = {hit.id: hit for hit in hits}
        hits, complete = await self._run(call, query, ranking.words, ranking)
        found.update((hit.id, hit) for hit in hits)
        best = sorted(found.values(), key=lambda hit: (-hit.score, hit.id))[: query.k]
        return Hits(best, exact=exact and complete, plan="text")

    async def _run(
        self, call: Call, query: TextQuery, words: Sequence[str], ranking: _Ranking
    ) -> tuple[list[Hit], bool]:
        """Return the best with any of `words`, and whether all of them were ranked."""
        ranked = [any_word([word]) for word in ranking.words[: len(ranking.weights)]]
        most = max(_MOST_RECORDS, query.k)
        parameters: list[object] = [
            call.workspace, any_word(words), query.k, ranked, ranking.weights,
            K1 + 1, 1 + K1 * (1 - B), K1 * B / ranking.length, most + 1,
        ]  # fmt: skip
        sql = self._sql.filtered(self._sql.text("text"), query.filter, parameters)
        settings = planner_settings() if call.session is None else None
        rows = await self._pool.reading(call).fetch(sql, *parameters, settings=settings)
        hits = [Hit(row[0], row[3], None, row[1], row[2]) for row in rows]
        return hits, not rows or rows[0][4] <= most

    async def _ranking(self, call: Call, asked: list[str]) -> _Ranking:
        ranked, others = asked[:_RANKED_WORDS], asked[_RANKED_WORDS:]
        totals = await self._workspace(call)
        counts = await self._having(call, ranked, totals)
        # The order of the words is that of the sums, too: equal records have equal scores.
        ranked.sort(key=lambda word: (counts[word], word))
        records = max(totals.records, max(counts.values()))
        weights = [_idf(records, counts[word]) for word in ranked]
        together = itertools.accumulate(counts[word] for word in ranked)
        rare = sum(number <= _FIRST_RECORDS for number in together)
        return _Ranking(ranked + others, weights, max(rare, 1), totals.length)

    async def _workspace(self, call: Call) -> _Totals:
        now = self._clock()
        known = self._totals.get(call.workspace)
        if known is not None and known.until > now:
            return known
        sql = self._sql.text("text_totals")
        parameters = (call.workspace, _MOST_COUNTED, _SAMPLE, self._sql.table)
        rows = await self._pool.reading(call).fetch(sql, *parameters)
        counted, estimated, length = rows[0]
        records = counted if counted < _MOST_COUNTED else max(counted, estimated)
        _make_room(self._totals)
        totals = self._totals[call.workspace] = _Totals(
            records, max(length or 0.0, 1.0), now + _REMEMBERED
        )
        return totals

    async def _having(self, call: Call, words: list[str], totals: _Totals) -> dict[str, int]:
        """Return in about how many records of the workspace each word is."""
        now = self._clock()
        found: dict[str, int] = {}
        for word in words:
            known = self._counts.get((call.workspace, word))
            if known is not None and known[1] > now:
                found[word] = known[0]
        missing = [word for word in words if word not in found]
        if not missing:
            return found
        rows = await self._pool.reading(call).fetch(
            self._sql.text("text_counts"),
            call.workspace,
            [any_word([word]) for word in missing],
            _SAMPLE,
            _FREQUENT,
            _MOST_COUNTED,
        )
        _make_room(self._counts)
        for word, (counted, seen, sample) in zip(missing, rows, strict=True):
            number = seen * totals.records // sample if counted is None else counted
            self._counts[call.workspace, word] = (number, now + _REMEMBERED)
            found[word] = number
        return found


def _idf(records: int, having: int) -> float:
    return math.log1p((records - having + 0.5) / (having + 0.5))


def _make_room(remembered: dict[Any, Any]) -> None:
    if len(remembered) >= _MOST_REMEMBERED:
        remembered.clear()
