"""What is stored and asked for: made from numbers, the same in every run, never held as a whole."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from polystore.types.records import Edge, Node

if TYPE_CHECKING:
    from collections.abc import Iterator

DIMENSIONS: Final = 384
STATUSES: Final = ("new", "open", "held", "paid", "sent", "lost", "back", "done")
GROUP: Final = 100
"""Records of a group, however many records there are."""
RANKS: Final = 1_000_000_000
"""Ranks of documents lie below."""
EDGES: Final = 4
"""Edges that leave a node."""
_SEED: Final = 7
_CENTRES: Final = 16
_WIDTH: Final = 0.6
"""How far a vector lies from its cluster's centre, whose coordinates have a deviation of 1."""

Vectors = NDArray[np.float32]


def chunks(total: int, size: int) -> Iterator[range]:
    """Yield the numbers below `total` in ranges of at most `size`."""
    for start in range(0, total, size):
        yield range(start, min(start + size, total))


def key(number: int) -> str:
    """Return the key of an entry."""
    return f"entry-{number:08}"


def value(number: int) -> dict[str, Any]:
    """Return a JSON value of about 300 bytes."""
    rng = random.Random(number)  # noqa: S311
    return {
        "title": f"Entry {number}",
        "body": rng.randbytes(95).hex(),
        "score": rng.random(),
        "tags": ["alpha", "beta", "gamma"],
        "rank": rng.randrange(1_000_000),
    }


def document_id(number: int) -> str:
    """Return the id of a document."""
    return f"doc-{number:08}"


def document(number: int) -> dict[str, Any]:
    """Return a document with a status of few values, a group, and an all but unique rank."""
    rng = random.Random(number)  # noqa: S311
    return {
        "title": f"Document {number}",
        "body": rng.randbytes(90).hex(),
        "status": rng.choice(STATUSES),
        "rank": rng.randrange(RANKS),
        "group": number // GROUP,
    }


def vector_id(number: int) -> str:
    """Return the id of a vector."""
    return f"chunk-{number:08}"


def clustered(count: int, *, seed: int) -> Vectors:
    """Return float32 vectors of a mixture of gaussians; the clusters are the same for any seed."""
    centres = np.random.default_rng(_SEED).standard_normal((_CENTRES, DIMENSIONS))
    rng = np.random.default_rng(seed)
    own = centres[rng.integers(_CENTRES, size=count)]
    noise = rng.standard_normal((count, DIMENSIONS))
    return (own + _WIDTH * noise).astype(np.float32)


def node_id(number: int) -> str:
    """Return the id of a node."""
    return f"node-{number:08}"


def node(number: int) -> Node:
    """Return a node with a label and two properties."""
    return Node(node_id(number), ("Thing",), {"name": f"Thing {number}", "size": number % 1000})


def edges(number: int, nodes: int) -> list[Edge]:
    """Return the edges that leave a node of a graph of so many; few nodes are the ends of many."""
    rng = random.Random(number)  # noqa: S311
    found: dict[tuple[str, str], None] = {}
    while len(found) < min(EDGES, nodes):
        # A power of a uniform number favours low numbers: the hubs.
        found[rng.choice(("knows", "cites")), node_id(int(nodes * rng.random() ** 3))] = None
    return [Edge(node_id(number), *key, {"weight": rng.random()}) for key in found]
