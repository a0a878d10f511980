"""What is stored: the same for both sides and in every run."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polystore import Edge, Node

DIMENSIONS = 384
STATUSES = ("new", "open", "held", "paid", "sent", "lost", "back", "done")
_SEED = 7
_CENTRES = 16
_WIDTH = 0.6
"""How far a vector lies from its cluster's centre, whose coordinates have a deviation of 1."""

Vectors = NDArray[np.float32]


def json_values(count: int) -> dict[str, Any]:
    """Return keys and JSON values of about 300 bytes."""
    rng = random.Random(_SEED)  # noqa: S311
    return {
        f"entry-{number:07}": {
            "title": f"Entry {number}",
            "body": rng.randbytes(95).hex(),
            "score": rng.random(),
            "tags": ["alpha", "beta", "gamma"],
            "rank": rng.randrange(1_000_000),
        }
        for number in range(count)
    }


def documents(count: int) -> dict[str, dict[str, Any]]:
    """Return ids and documents with a status of few values and an all but unique rank."""
    rng = random.Random(_SEED)  # noqa: S311
    return {
        f"doc-{number:07}": {
            "title": f"Document {number}",
            "body": rng.randbytes(90).hex(),
            "status": rng.choice(STATUSES),
            "rank": rng.randrange(10 * count),
        }
        for number in range(count)
    }


def clustered(count: int, *, seed: int) -> Vectors:
    """Return float32 vectors of a mixture of gaussians; the clusters are the same for any seed."""
    centres = np.random.default_rng(_SEED).standard_normal((_CENTRES, DIMENSIONS))
    rng = np.random.default_rng(seed)
    own = centres[rng.integers(_CENTRES, size=count)]
    noise = rng.standard_normal((count, DIMENSIONS))
    return (own + _WIDTH * noise).astype(np.float32)


def vector_ids(count: int) -> list[str]:
    """Return one id per vector."""
    return [f"chunk-{number:07}" for number in range(count)]


def vector_metadata(count: int) -> list[dict[str, Any]]:
    """Return metadata of which `percent` holds 1 % of the rows per value and `tenth` 10 %."""
    rng = random.Random(_SEED)  # noqa: S311
    return [
        {"percent": rng.randrange(100), "tenth": rng.randrange(10), "source": f"file-{number % 97}"}
        for number in range(count)
    ]


def exact_nearest(corpus: Vectors, queries: Vectors, k: int) -> list[set[int]]:
    """Return for each query the rows of its `k` nearest by cosine, all compared."""
    unit = corpus / np.linalg.norm(corpus, axis=1, keepdims=True)
    similarity = queries @ unit.T
    best = np.argpartition(-similarity, k, axis=1)[:, :k]
    return [set(row) for row in best.tolist()]


def power_law_graph(nodes: int, edges: int) -> tuple[list[Node], list[Edge]]:
    """Return a graph in which few nodes have many edges; no edge comes twice."""
    rng = random.Random(_SEED)  # noqa: S311
    names = [f"node-{number:07}" for number in range(nodes)]
    keys: dict[tuple[str, str, str], None] = {}
    while len(keys) < edges:
        # A power of a uniform number favours low numbers: the hubs.
        target = names[int(nodes * rng.random() ** 3)]
        keys[rng.choice(names), rng.choice(("knows", "cites")), target] = None
    return (
        [Node(name, ("Thing",), {"name": name, "size": rng.randrange(1000)}) for name in names],
        [Edge(*key, {"weight": rng.random()}) for key in keys],
    )
