"""The four stores that the demo declares in code; a YAML file may declare them itself instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from polystore.specs import DocSpec, GraphSpec, KVSpec, VectorSpec

if TYPE_CHECKING:
    from polystore.specs import StoreSpec

MODEL: Final = "wordllama-l2-supercat-256"
DIMENSIONS: Final = 256

MODULES: Final = "modules"
CHUNKS: Final = "chunks"
CODE: Final = "code"
EMBEDDINGS: Final = "embeddings"


def store_specs(*, model: str = MODEL, dimensions: int = DIMENSIONS) -> list[StoreSpec]:
    """Return the stores: documents, chunks with vectors, the graph, the cache of embeddings."""
    return [
        DocSpec(name=MODULES, indexes=(("package",), ("lines",), ("package", "lines"))),
        VectorSpec(
            name=CHUNKS,
            dimensions=dimensions,
            metric="cosine",
            embedding_model=model,
            fields={
                "module": "string",
                "package": "string",
                "kind": "string",
                "lines": "integer",
                "public": "boolean",
            },
        ),
        GraphSpec(name=CODE, directed=True, indexes=(("module",),)),
        KVSpec(name=EMBEDDINGS),
    ]
