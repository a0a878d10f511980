"""The same client for callers that do not await: scripts, threads, notebooks.

    with polystore.sync.open("polystore.yaml") as ps:
        ps.kv("cache").put("greeting", {"text": "hello"})

Every method does what its asynchronous counterpart does, with the same arguments, answers and
errors: it is carried out in an event loop of the client's own, in a background thread. One client
may be used from several threads at once, and where a loop runs already, as in a notebook. What the
asynchronous client yields step by step comes as a generator here; closing that closes the reading.

What is exported here is loaded at its first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from polystore.sync.generated.client import Polystore, Workspace, open
    from polystore.sync.generated.doc import DocStore
    from polystore.sync.generated.graph import GraphStore
    from polystore.sync.generated.kv import KVStore
    from polystore.sync.generated.typed_doc import TypedDocStore
    from polystore.sync.generated.typed_vector import TypedVectorStore
    from polystore.sync.generated.unit import UnitOfWork
    from polystore.sync.generated.vector import VectorStore

_HOME = {
    "DocStore": "doc",
    "GraphStore": "graph",
    "KVStore": "kv",
    "Polystore": "client",
    "TypedDocStore": "typed_doc",
    "TypedVectorStore": "typed_vector",
    "UnitOfWork": "unit",
    "VectorStore": "vector",
    "Workspace": "client",
    "open": "client",
}

__all__ = [
    "DocStore",
    "GraphStore",
    "KVStore",
    "Polystore",
    "TypedDocStore",
    "TypedVectorStore",
    "UnitOfWork",
    "VectorStore",
    "Workspace",
    "open",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.generated.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
