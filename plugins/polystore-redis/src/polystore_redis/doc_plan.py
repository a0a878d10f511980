"""Choosing how a question to a document store is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from polystore_redis.doc_ranges import Ranges, conjuncts, ranges_of
from polystore_redis.doc_walk import EVERYTHING, Span, span_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.filters import Filter
    from polystore.stores.queries import Sort
    from polystore_redis.doc_index import Index


@dataclass(frozen=True, slots=True)
class Access:
    """A way to the documents that may match.

    Attributes:
        index: Whose members to walk; None for the list of ids.
        spans: Where.
        ordered: Whether the members come in the order that is asked for.
        covers: Whether what it leads to matches for sure.
        equal: Sort keys of the first fields, where they are the same in every member.
    """

    index: Index | None
    spans: tuple[Span, ...]
    ordered: bool
    covers: bool
    equal: tuple[bytes, ...] = ()

    @property
    def narrows(self) -> bool:
        """Whether it passes over documents that cannot match."""
        return self.spans != (EVERYTHING,)

    @property
    def prefix(self) -> bytes:
        """What every member begins with."""
        return b"" if self.index is None else self.index.prefix(self.equal)

    def rest(self, keys: Sequence[bytes]) -> bytes:
        """Return how members go on after `prefix` whose other fields have these sort keys."""
        if self.index is None:
            return b""
        return self.index.prefix([*self.equal, *keys])[len(self.prefix) :]

    def told(self) -> str:
        """Return it in words."""
        fields = "" if self.index is None else ", ".join(map(_field, self.index.sorts))
        where = f"index on {fields}" if fields else "list of ids"
        return f"{where}{', a part of it' if self.narrows else ''}" + (
            "" if self.ordered else ", then sorted"
        )


def ways(
    filter_: Filter | None, sort: tuple[Sort, ...], indexes: Sequence[Index]
) -> tuple[Access | None, Access | None]:
    """Return the best way in the order that is asked for, and the best that is the narrowest.

    The second is None where no index narrows the question.
    """
    found = [_way(filter_, sort, index) for index in indexes]
    ordered = [way for way in found if way.ordered]
    narrow = [way for way in found if way.narrows]
    if not sort:
        ordered.insert(0, Access(None, (EVERYTHING,), ordered=True, covers=filter_ is None))
    # One that narrows is the better of two in order; of those that narrow, one with points.
    return (
        max(ordered, key=lambda way: (way.narrows, way.covers), default=None),
        max(narrow, key=lambda way: (way.covers, _depth(way)), default=None),
    )


def everything(filter_: Filter | None) -> Access:
    """Return the way through all documents, by id."""
    return Access(None, (EVERYTHING,), ordered=False, covers=filter_ is None)


def _way(filter_: Filter | None, sort: tuple[Sort, ...], index: Index) -> Access:
    """Return what `index` offers: its first fields fixed, then a range of the next one."""
    conditions = list(conjuncts(filter_))
    equal: list[bytes] = []
    used: set[int] = set()
    exact = True
    last: Ranges | None = None
    for field in index.sorts:
        best = _said_of(field, conditions)
        if best is None:
            break
        position, ranges = best
        used.add(position)
        exact = exact and ranges.exact
        if not ranges.equal or len(ranges.bounds) != 1:
            last = ranges
            break
        equal.append(ranges.bounds[0][0])
    covers = exact and len(used) == len(conditions)
    if last is not None:
        spans = tuple(span_of(index, equal, bounds) for bounds in last.bounds)
    else:
        spans = (span_of(index, equal, None),) if equal else (EVERYTHING,)
    ordered = len(spans) == 1 and index.sorts[len(equal) :] == sort
    return Access(index, spans, ordered, covers, tuple(equal))


def _said_of(field: Sort, conditions: list[Filter]) -> tuple[int, Ranges] | None:
    """Return the condition that narrows a field most, by its position."""
    said = [
        (position, ranges)
        for position, condition in enumerate(conditions)
        if (ranges := ranges_of(condition, field.path)) is not None
    ]
    return min(said, key=lambda one: (not one[1].equal, len(one[1].bounds)), default=None)


def _depth(way: Access) -> int:
    return len(way.spans[0].low) if way.spans else 1 << 30


def _field(sort: Sort) -> str:
    return f"{'-' if sort.descending else ''}{sort.path}"
