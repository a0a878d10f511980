"""What is stored: the same for both sides and in every run."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore import Edge, Node
from polystore.bench import records

if TYPE_CHECKING:
    from polystore.bench.records import Vectors

_SEED = 7


def json_values(count: int) -> dict[str, Any]:
    """Return keys and JSON values of about 300 bytes."""
    return {records.key(number): records.value(number) for number in range(count)}


def documents(count: int) -> dict[str, dict[str, Any]]:
    """Return ids and documents with a status of few values and an all but unique rank."""
    return {records.document_id(number): records.document(number) for number in range(count)}


def vector_ids(count: int) -> list[str]:
    """Return one id per vector."""
    return [records.vector_id(number) for number in range(count)]


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
