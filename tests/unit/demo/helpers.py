"""What the tests of the demo share."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, TypeVar

import polystore
from polystore.capabilities import Feature
from polystore.demo.corpus import find_corpus
from polystore.demo.load import load
from polystore.demo.records import Source
from polystore.demo.stores import store_specs

if TYPE_CHECKING:
    from pathlib import Path

    from polystore.client import Stores
    from polystore.demo.embedding import Embedder
    from polystore.demo.records import LoadReport
    from polystore.stores.handle import Handle

H = TypeVar("H", bound="Handle[Any]")

ONE = {"backends": {"main": {"use": "memory"}}}
"""Every store on one backend, which has units of work."""
SPLIT = {
    "backends": {"main": {"use": "memory"}, "other": {"use": "memory"}},
    "defaults": {"kv": "other", "vector": "main", "graph": "other", "doc": "main"},
}
"""Stores on two backends, which have no unit of work together."""


def client(config: dict[str, Any]) -> polystore.Polystore:
    return polystore.open(config, stores=store_specs(), schema="auto")


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    """Make `folder` hold exactly `files`."""
    for old in sorted(folder.rglob("*"), reverse=True):
        old.unlink() if old.is_file() else old.rmdir()
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())


async def load_folder(stores: Stores, folder: Path, embedder: Embedder) -> LoadReport:
    return await load(stores, find_corpus(folder), embedder)


async def fresh(store: H) -> H:
    """Return a store that shows what other clients wrote, where its backend has to be asked to."""
    if Feature.STRONG_READS in (await store.capabilities()).features:
        return store.with_options(consistency="strong")
    return store


async def content(stores: Stores) -> dict[str, Any]:
    """Return everything that the demo's stores hold, in a form that compares."""
    chunks = (await fresh(stores.vector("chunks"))).scan(with_vectors=True)
    graph = stores.graph("code")
    return {
        "modules": {doc.id: _timeless(doc.data) async for doc in stores.doc("modules").scan()},
        "chunks": {
            record.id: (record.text, record.metadata, bytes(memoryview(record.vector)))  # type: ignore[arg-type]
            async for record in chunks
        },
        "nodes": {node.id: (node.labels, node.properties) async for node in graph.scan_nodes()},
        "edges": {edge.key: edge.properties async for edge in graph.scan_edges()},
    }


def _timeless(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key != "mtime"}


def source(name: str, data: bytes = b"", *, is_package: bool = False) -> Source:
    text = name.endswith((".md", ".txt", ".rst"))
    digest = hashlib.sha256(data).hexdigest()
    form = "text" if text else "python"
    return Source(name, form, name, None, is_package, digest, len(data), None)
