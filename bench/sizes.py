"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """Rows per operation.

    Attributes:
        entries: Of key-value stores.
        documents: Of document stores.
        page: How deep the deep page lies, in pages of 100.
        vectors: Upserted without an index.
        indexed: Vectors upserted into an index.
        corpus: Vectors searched.
        nodes: Of the graph.
        edges: Of the graph.
        calls: Point reads and searches of a round.
        walks: Subgraphs of a round.
        rounds: Times that each side is measured.
    """

    entries: int
    documents: int
    page: int
    vectors: int
    indexed: int
    corpus: int
    nodes: int
    edges: int
    calls: int
    walks: int
    rounds: int


QUICK = Sizes(
    entries=2_000, documents=2_000, page=10, vectors=1_200, indexed=300, corpus=3_000,
    nodes=1_000, edges=4_000, calls=100, walks=2, rounds=3,
)  # fmt: skip
DEFAULT = Sizes(
    entries=20_000, documents=20_000, page=150, vectors=10_000, indexed=2_000, corpus=15_000,
    nodes=10_000, edges=40_000, calls=400, walks=3, rounds=5,
)  # fmt: skip
FULL = Sizes(
    entries=100_000, documents=1_000_000, page=1_000, vectors=50_000, indexed=5_000,
    corpus=50_000, nodes=50_000, edges=200_000, calls=1_000, walks=5, rounds=5,
)  # fmt: skip
