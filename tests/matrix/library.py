"""What the application holds: a small library of papers, made up but always the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from polystore import DocSpec, Edge, GraphSpec, KVSpec, Node, VectorRecord, VectorSpec
from polystore.specs import IndexSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIMENSIONS: Final = 16
PAPERS: Final = 40
CHUNKS_PER_PAPER: Final = 5
SKETCHES: Final = 1200

STORES: Final = (
    KVSpec(name="cache", ttl=3600),
    KVSpec(name="settings"),
    DocSpec(
        name="papers",
        indexes=(("year",), ("status", "-year"), ("venue.city",), ("rating",), ("tags",)),
        options={"redis": {"partitions": 4}},
    ),
    DocSpec(name="notes"),
    VectorSpec(
        name="chunks",
        dimensions=DIMENSIONS,
        embedding_model="made-up",
        fields={"paper": "string", "year": "integer", "tags": "array", "open": "boolean"},
    ),
    VectorSpec(
        name="sketches", dimensions=8, metric="l2", fields={"shelf": "integer"},
        index=IndexSpec(type="hnsw"),
    ),
    GraphSpec(name="citations", indexes=(("year",),)),
    GraphSpec(name="friends", directed=False),
)  # fmt: skip
"""Everything that the application declares, the same on every combination."""

TOPICS: Final = ("storage", "graphs", "search", "caches")
CITIES: Final = ("Oslo", "oslo", "Zürich", "東京", "São Paulo")
STATUSES: Final = ("draft", "read", "printed", None)


def paper_id(number: int) -> str:
    """Return the id of a paper; some have what engines like to take for syntax."""
    odd = {3: 'p03 it\'s "quoted"', 7: "p07:{tag}*?[x]", 11: "p11\\u0041/ü/日本", 13: "P01"}
    return odd.get(number, f"p{number:02d}")


def paper(number: int) -> dict[str, Any]:
    """Return a document, with all that JSON knows in one place or another."""
    data: dict[str, Any] = {
        "title": f"On {TOPICS[number % 4]}, part {number}",
        "year": 1990 + number % 12 if number % 7 else str(1990 + number % 12),
        "status": STATUSES[number % 4],
        "tags": [TOPICS[number % 4], TOPICS[(number * 3 + 1) % 4]][: number % 3],
        "open": number % 2 == 0,
        "venue": {"name": f"Conf {number % 5}", "city": CITIES[number % 5]},
        "authors": [{"name": f"a{number % 6}", "first": True}, {"name": f"a{number % 9}"}],
        "a.b": number % 3,
        "depth": {"of": {"it": [[], {}, [1, [2.5, None]], ""]}},
        "exact": [2**63 - 1, -(2**63), 2**53 + 1, 0.1, 1e-300, 1.5e300, -0.25],
    }
    if number % 3:
        data["rating"] = [1, 2.5, True, "3", None, [4], 7][number % 7]
    if number % 5 == 0:
        del data["status"]
    return data


def papers() -> dict[str, dict[str, Any]]:
    """Return all documents by id."""
    return {paper_id(number): paper(number) for number in range(PAPERS)}


def vectors(rows: int, dimensions: int, seed: int) -> NDArray[np.float32]:
    """Return made-up embeddings: clusters, as real ones have them."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(8, dimensions))
    noise = random.normal(scale=0.4, size=(rows, dimensions))
    return (centres[np.arange(rows) % 8] + noise).astype(np.float32)


def chunks() -> list[VectorRecord]:
    """Return the parts of all papers, with text, metadata and vectors; two are alike."""
    matrix = vectors(PAPERS * CHUNKS_PER_PAPER, DIMENSIONS, 1)
    matrix[6] = matrix[5]
    records: list[VectorRecord] = []
    for row in range(len(matrix)):
        number, part = divmod(row, CHUNKS_PER_PAPER)
        words = f"{TOPICS[number % 4]} part{part} word{row}"
        meta: dict[str, Any] = {
            "paper": paper_id(number),
            "year": 1990 + number % 12,
            "open": part % 2 == 0,
            "part": part,
            "weight": part / 4,
        }
        if part:
            meta["tags"] = [TOPICS[number % 4], f"t{part}"]
        if number % 4 == 1:
            meta["note"] = None if part == 1 else {"by": f"a{part}", "a.b": row, "100%": "_\\"}
        text = None if part == 4 else f"{words}: what it says"
        records.append(VectorRecord(f"{paper_id(number)}#{part}", matrix[row], text, meta))
    return records


def nodes() -> list[Node]:
    """Return the papers and people of the graph."""
    of_papers = [
        Node(
            paper_id(number),
            ("Paper", "Open") if number % 2 else ("Paper",),
            {"year": 1990 + number % 12, "title": paper(number)["title"], "more": paper(number)},
        )
        for number in range(PAPERS)
    ]
    people = [
        Node(f"Ada Lovelace {number}", ("Person",), {"age": 20 + number, "nick": f"a{number}"})
        for number in range(9)
    ]
    return [*of_papers, *people]


def edges() -> list[Edge]:
    """Return who cites and wrote what: rings, a hub, loops, edges of two types side by side."""
    found: list[Edge] = []
    for number in range(PAPERS):
        source = paper_id(number)
        for step in (1, 5):
            target = paper_id((number + step) % PAPERS)
            found.append(Edge(source, "cites", target, {"step": step, "of": [number, None]}))
        if number % 8 == 0:
            found.append(Edge(source, "extends", paper_id((number + 1) % PAPERS)))
            found.append(Edge(source, "cites", source))
        found.append(Edge(f"Ada Lovelace {number % 9}", "wrote `it`", source, {"first": True}))
        found.append(Edge(source, "cites", paper_id(20), {"hub": True}))
    return found


def friends() -> list[Edge]:
    """Return an undirected graph, each pair named either way round."""
    pairs = [(n, (n * step + 1) % 15) for n in range(15) for step in (2, 4)]
    return [Edge(f"f{one:02d}", "knows", f"f{two:02d}", {"n": one}) for one, two in pairs]
