"""Filters that the application asks with, of documents, of metadata and of nodes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from polystore import F

if TYPE_CHECKING:
    from polystore.filters import Filter

_LONG_AGO: Final = datetime(2001, 1, 1, tzinfo=UTC)

PAPERS: Final[dict[str, Filter]] = {
    "number": F("year") == 1995,
    "number as text": F("year") == "1997",
    "not equal, also where missing": F("status") != "read",
    "null": F("status").is_null(),
    "equal null": F("status") == None,  # noqa: E711 - builds a filter
    "exists": F("status").exists(),
    "missing": ~F("status").exists(),
    "range": (F("year") >= 1993) & (F("year") < 1998),
    "not in a range": ~(F("year") >= 1993),
    "text range": F("venue.city") > "Oslo",
    "float": F("rating") == 2.5,
    "int as float": F("rating") == 1.0,
    "true is no number": F("rating") == True,  # noqa: E712 - builds a filter
    "below, of mixed types": F("rating") < 3,
    "in": F("status").is_in(["draft", None, "gone"]),
    "in nothing": F("status").is_in([]),
    "not in": F("status").not_in(["draft", "read"]),
    "not in nothing": F("status").not_in([]),
    "contains": F("tags").contains("graphs"),
    "contains of no array": F("title").contains("On"),
    "contains any": F("tags").contains_any(["graphs", "caches"]),
    "contains any of nothing": F("tags").contains_any([]),
    "contains all": F("tags").contains_all(["graphs", "storage"]),
    "contains all of nothing": F("tags").contains_all([]),
    "contains not": ~F("tags").contains("search"),
    "starts": F("title").starts_with("On storage, part 1"),
    "starts with a wildcard": F("title").starts_with("On %"),
    "starts with nothing": F("rating").starts_with(""),
    "nested": F("venue.city") == "東京",
    "letter case": F("venue.city") == "oslo",
    "a key with a dot": F(("a.b",)) == 2,
    "a path that is not there": F("venue.city.street").exists(),
    "bool": F("open") == False,  # noqa: E712 - builds a filter
    "id": F.meta("id").starts_with("p0"),
    "time": F.meta("created_at") > _LONG_AGO,
    "all together": (F("open") == True)  # noqa: E712 - builds a filter
    & ((F("year") > 1994) | F("status").is_null())
    & ~F("tags").contains_any(["caches", "search"]),
}
"""Of documents in `papers`."""

CHUNKS: Final[dict[str, Filter]] = {
    "paper": F("paper") == 'p03 it\'s "quoted"',
    "year": (F("year") >= 1992) & (F("year") <= 1994),
    "in": F("paper").is_in(["p01", "P01", "p07:{tag}*?[x]", "p11\\u0041/ü/日本"]),
    "not": F("year") != 1992,
    "open": F("open") == True,  # noqa: E712 - builds a filter
    "tags": F("tags").contains("t2"),
    "tags any": F("tags").contains_any(["t1", "t3"]),
    "tags all": F("tags").contains_all(["t1", "graphs"]),
    "no tags": ~F("tags").exists(),
    "undeclared": F("part") > 2,
    "undeclared float": F("weight") == 0.5,
    "null": F("note").is_null(),
    "nested": F("note.by") == "a2",
    "nested not": F("note.by") != "a2",
    "odd keys": F("note", "a.b") >= 100,
    "wildcards": F("note", "100%") == "_\\",
    "starts": F("paper").starts_with("p0"),
    "or": (F("year") == 1990) | (F("part") == 4),
    "all together": (F("open") == True)  # noqa: E712 - builds a filter
    & ~((F("year") < 1995) | F("tags").contains("storage")),
}
"""Of metadata in `chunks`."""

NODES: Final[dict[str, Filter]] = {
    "label": F.meta("labels").contains("Person"),
    "not labelled": ~F.meta("labels").contains("Paper"),
    "year": (F("year") >= 1993) & (F("year") < 1995),
    "age": F("age") > 24,
    "age is no year": ~F("age").exists(),
    "nested": F("more.venue.city") == "Zürich",
    "nested list": F("more.tags").contains("graphs"),
    "nick": F("nick").is_in(["a1", "a5", "none"]),
    "starts": F("title").starts_with("On graphs"),
    "null": F("more.status").is_null(),
    "not equal": F("more.status") != "read",
    "id": F.meta("id") == "p07:{tag}*?[x]",
    "all together": F.meta("labels").contains_all(["Paper", "Open"]) & ~(F("year") > 1992),
}
"""Of nodes in `citations`."""
