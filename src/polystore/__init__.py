"""Key-value, vector, graph and document storage behind one async interface.

    async with polystore.open("polystore.yaml") as ps:
        await ps.kv("cache").put("greeting", {"text": "hello"})

What is exported here is loaded at its first use, so that importing polystore is quick. Modules of
the package itself import from one another, never from here.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from polystore import errors
    from polystore.capabilities import Capabilities, Feature, Limits
    from polystore.client import Polystore, Workspace, open
    from polystore.errors import PolystoreError
    from polystore.filters import F, Filter, Path
    from polystore.specs import DocSpec, GraphSpec, IndexSpec, KVSpec, VectorSpec
    from polystore.stores.doc import DocStore
    from polystore.stores.graph import GraphStore
    from polystore.stores.kv import KVStore
    from polystore.stores.queries import Sort
    from polystore.stores.typed_doc import TypedDocStore, TypedDocument
    from polystore.stores.typed_vector import TypedHit, TypedHits, TypedRecord, TypedVectorStore
    from polystore.stores.vector import VectorStore
    from polystore.types import (
        Document,
        Edge,
        EdgeKey,
        Hit,
        Hits,
        KVEntry,
        Node,
        Page,
        Subgraph,
        VectorRecord,
    )
    from polystore.units.unit import UnitOfWork

_HOME = {
    "errors": "",
    "Capabilities": "capabilities",
    "Feature": "capabilities",
    "Limits": "capabilities",
    "Polystore": "client",
    "Workspace": "client",
    "open": "client",
    "PolystoreError": "errors",
    "F": "filters",
    "Filter": "filters",
    "Path": "filters",
    "DocSpec": "specs",
    "GraphSpec": "specs",
    "IndexSpec": "specs",
    "KVSpec": "specs",
    "VectorSpec": "specs",
    "DocStore": "stores.doc",
    "GraphStore": "stores.graph",
    "KVStore": "stores.kv",
    "Sort": "stores.queries",
    "TypedDocStore": "stores.typed_doc",
    "TypedDocument": "stores.typed_doc",
    "TypedHit": "stores.typed_vector",
    "TypedHits": "stores.typed_vector",
    "TypedRecord": "stores.typed_vector",
    "TypedVectorStore": "stores.typed_vector",
    "VectorStore": "stores.vector",
    "Document": "types",
    "Edge": "types",
    "EdgeKey": "types",
    "Hit": "types",
    "Hits": "types",
    "KVEntry": "types",
    "Node": "types",
    "Page": "types",
    "Subgraph": "types",
    "VectorRecord": "types",
    "UnitOfWork": "units.unit",
}

__all__ = [
    "Capabilities",
    "DocSpec",
    "DocStore",
    "Document",
    "Edge",
    "EdgeKey",
    "F",
    "Feature",
    "Filter",
    "GraphSpec",
    "GraphStore",
    "Hit",
    "Hits",
    "IndexSpec",
    "KVEntry",
    "KVSpec",
    "KVStore",
    "Limits",
    "Node",
    "Page",
    "Path",
    "Polystore",
    "PolystoreError",
    "Sort",
    "Subgraph",
    "TypedDocStore",
    "TypedDocument",
    "TypedHit",
    "TypedHits",
    "TypedRecord",
    "TypedVectorStore",
    "UnitOfWork",
    "VectorRecord",
    "VectorSpec",
    "VectorStore",
    "Workspace",
    "errors",
    "open",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOME[name]
    if not home:
        return importlib.import_module(f"{__name__}.{name}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
