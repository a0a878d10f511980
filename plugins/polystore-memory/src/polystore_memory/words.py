"""Text search: records with any word of the query, ranked by BM25.

score = sum over the words of idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / average)),
idf = ln(1 + (N - n + 0.5) / (n + 0.5)), over the N records of the workspace that have a text, n of
which have the word (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and
Beyond", 2009).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from polystore_memory.rows import VectorRow

_WORD = re.compile(r"\w+")
_K1 = 1.2
_B = 0.75


def words(text: str) -> Counter[str]:
    r"""Return how often each word (a maximal run of `\w`, case folded) stands in `text`."""
    return Counter(word.casefold() for word in _WORD.findall(text))


def rank(
    rows: Iterable[tuple[str, VectorRow]], query: str, chosen: Iterable[str] | None
) -> list[tuple[float, str]]:
    """Return score and id of the records with a word of `query`, best first, ties by id.

    Args:
        rows: All records of the workspace: they say how rare a word is.
        query: The text to search for.
        chosen: Ids of the records that may be returned; None for all.
    """
    wanted = words(query).keys()
    texts = {id_: row.words for id_, row in rows if row.text is not None}
    lengths = {id_: sum(found.values()) for id_, found in texts.items()}
    having = {word: sum(word in found for found in texts.values()) for word in wanted}
    rarity = {
        word: math.log(1 + (len(texts) - number + 0.5) / (number + 0.5))
        for word, number in having.items()
    }
    average = sum(lengths.values()) / max(len(texts), 1)
    candidates = texts.keys() if chosen is None else texts.keys() & set(chosen)
    scores = [
        (_score(texts[id_], rarity, lengths[id_] / average), id_)
        for id_ in candidates
        if not wanted.isdisjoint(texts[id_])
    ]
    return sorted(scores, key=lambda scored: (-scored[0], scored[1]))


def _score(found: Mapping[str, int], rarity: Mapping[str, float], length: float) -> float:
    # Sorted, so that equal texts get equal sums.
    return sum(
        rarity[word] * found[word] * (_K1 + 1) / (found[word] + _K1 * (1 - _B + _B * length))
        for word in sorted(rarity)
        if word in found
    )
