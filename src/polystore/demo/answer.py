"""Answering a question: search, the graph around the best hit, and the documents behind."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from polystore.capabilities import Feature
from polystore.demo.records import DEFINES, IMPORTS, INHERITS, LINKS, node_id, summary
from polystore.demo.stores import CHUNKS, CODE, MODULES
from polystore.errors import InvalidRecord
from polystore.filters import F

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.client import Stores
    from polystore.demo.embedding import Embedder
    from polystore.filters import Filter
    from polystore.types.records import Document, Edge, Hit

DEFAULT_KINDS: Final = ("class", "function", "method", "section")
STDLIB_QUESTIONS: Final = (
    "compress a stream of bytes",
    "run a subprocess and capture its output",
    "parse a date from an ISO string",
)
FOLDER_QUESTIONS: Final = (
    "how do I install it and begin",
    "how is it configured",
    "what happens when something goes wrong",
)

_WEIGHTS: Final = (1.0, 0.2)
"""Of vectors and words: questions have few of the words of what answers them."""

How: TypeAlias = Literal["hybrid", "vector"]


@dataclass(frozen=True, slots=True)
class Found:
    """A hit of the search."""

    id: str
    name: str
    kind: str
    signature: str
    summary: str
    score: float
    module: str
    line: int


@dataclass(frozen=True, slots=True)
class Relation:
    """What the graph says about one node: `node` `verb` each of `others`."""

    node: str
    verb: str
    others: list[str]


@dataclass(frozen=True, slots=True)
class Behind:
    """A document that hits come from; `lines` and `size` (bytes) are 0 where there is no file."""

    name: str
    path: str
    lines: int
    size: int
    summary: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question.

    Attributes:
        how: `hybrid`, or `vector` where the backend has no text search.
        seconds: What everything took.
    """

    question: str
    how: How
    hits: list[Found]
    around: list[Relation]
    documents: list[Behind]
    seconds: float


async def ask(
    stores: Stores,
    embedder: Embedder,
    question: str,
    *,
    k: int = 5,
    package: str | None = None,
    kinds: Sequence[str] = DEFAULT_KINDS,
) -> Answer:
    """Return what the stores know about `question`.

    Args:
        stores: A client, or a workspace of it, loaded before.
        embedder: The model that was used for loading.
        question: In words.
        k: Hits to return.
        package: Only from this top-level package or folder.
        kinds: Only what is of one of these kinds: module, class, function, method, section.

    Raises:
        InvalidRecord: The model knows no word of the question.
    """
    started = time.perf_counter()
    vector = (await asyncio.to_thread(embedder.embed, [question]))[0]
    if not vector.any():
        raise InvalidRecord(
            f"the model knows no word of the question {question!r}", hint="Ask in other words"
        )
    chunks = stores.vector(CHUNKS)
    wanted = _filter(kinds, package)
    how: How = "hybrid"
    if Feature.TEXT_SEARCH in (await chunks.capabilities()).features:
        found = await chunks.hybrid(question, vector, k=k, filter=wanted, weights=_WEIGHTS)
    else:
        how = "vector"
        found = await chunks.search(vector, k=k, filter=wanted)
    hits = [_found(hit) for hit in found]
    around, documents = await asyncio.gather(_around(stores, hits), _behind(stores, hits))
    return Answer(question, how, hits, around, documents, time.perf_counter() - started)


def _filter(kinds: Sequence[str], package: str | None) -> Filter:
    wanted = F("kind").is_in(kinds) & (F("public") == True)  # noqa: E712 - builds a filter
    return wanted if package is None else wanted & (F("package") == package)


def _found(hit: Hit) -> Found:
    data = hit.metadata
    return Found(
        hit.id,
        data["name"],
        data["kind"],
        data["signature"],
        data["summary"],
        hit.score,
        data["module"],
        data["line"],
    )


async def _around(stores: Stores, hits: Sequence[Found]) -> list[Relation]:
    """Return the relations of the best hit and of the file it stands in, in one round trip."""
    if not hits:
        return []
    best = hits[0]
    file = node_id("file" if best.kind == "section" else "module", best.module)
    nodes = list(dict.fromkeys((best.id, file)))
    found = await stores.graph(CODE).edges_of(nodes)
    return [
        relation
        for id_, edges in zip(nodes, found, strict=True)
        for relation in _relations(id_, edges)
        if relation.others
    ]


def _relations(node: str, edges: Sequence[Edge]) -> list[Relation]:
    def out(type_: str) -> list[str]:
        return [edge.target for edge in edges if edge.source == node and edge.type == type_]

    def into(type_: str) -> list[str]:
        return [edge.source for edge in edges if edge.target == node and edge.type == type_]

    return [
        Relation(node, "is defined in", into(DEFINES)),
        Relation(node, "inherits from", out(INHERITS)),
        Relation(node, "is inherited by", into(INHERITS)),
        Relation(node, "imports", out(IMPORTS)),
        Relation(node, "is imported by", into(IMPORTS)),
        Relation(node, "links to", out(LINKS)),
        Relation(node, "is linked from", into(LINKS)),
        Relation(node, "defines", out(DEFINES)),
    ]


async def _behind(stores: Stores, hits: Sequence[Found]) -> list[Behind]:
    names = list(dict.fromkeys(hit.module for hit in hits))
    found = await stores.doc(MODULES).get_many(names)
    return [_document(document) for document in found if document is not None]


def _document(document: Document) -> Behind:
    data: dict[str, Any] = document.data
    return Behind(
        document.id, data["path"], data["lines"], data["size"], summary(data["docstring"])
    )
