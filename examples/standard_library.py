"""Python's standard library in all four kinds of storage, and a question to it.

Modules become documents, docstrings chunks, imports a graph; embeddings are cached by key.

    pip install "polystore-core[embedded,demo]"
    python standard_library.py compress a stream of bytes

`polystore demo` does the same with more care: it loads only what changed, and takes any folder.
"""

import ast
import asyncio
import hashlib
import importlib
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import polystore
from polystore import DocSpec, Edge, F, GraphSpec, KVSpec, VectorSpec

ROOT = Path(sysconfig.get_path("stdlib"))
SKIP = {"idlelib", "lib2to3", "site-packages", "test", "tests", "turtledemo"}
STORES = [
    DocSpec(name="files", indexes=(("lines",),)),
    VectorSpec(
        name="docstrings",
        dimensions=256,
        embedding_model="wordllama-l2-supercat-256",
        fields={"module": "string", "kind": "string"},
    ),
    GraphSpec(name="references"),
    KVSpec(name="vectors"),
]


@dataclass
class Module:
    """A file taken apart."""

    name: str
    document: dict[str, Any]
    chunks: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    edges: list[Edge] = field(default_factory=list[Edge])


def read(path: Path) -> Module:
    """Take a file apart; nothing is imported."""
    where = path.relative_to(ROOT)
    name = ".".join(where.with_suffix("").parts).removesuffix(".__init__")
    source = path.read_bytes()
    tree = ast.parse(source)
    module = Module(name, {"path": str(where), "lines": source.count(b"\n")})
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            module.edges += [Edge(name, "imports", alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            module.edges.append(Edge(name, "imports", node.module))
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            full, text = f"{name}.{node.name}", ast.get_docstring(node) or ""
            module.edges.append(Edge(name, "defines", full))
            kind = "class" if isinstance(node, ast.ClassDef) else "function"
            if about := text.partition("\n\n")[0]:
                module.chunks.append({"id": full, "kind": kind, "module": name, "text": about})
    return module


async def embed(model: Any, cache: polystore.KVStore, texts: Sequence[str]) -> Any:
    """Return a vector per text; only those that the cache does not have are computed."""
    keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    found: dict[str, bytes | None] = dict(zip(keys, await cache.get_many(keys), strict=True))
    missing = {key: text for key, text in zip(keys, texts, strict=True) if found[key] is None}
    if missing:
        vectors = await asyncio.to_thread(model.embed, list(missing.values()))
        new = {key: vector.tobytes() for key, vector in zip(missing, vectors, strict=True)}
        await cache.put_many(new)
        found.update(new)
    return np.stack([np.frombuffer(found[key] or b"", dtype=np.float32) for key in keys])


async def load(ps: polystore.Polystore, model: Any, modules: Sequence[Module]) -> None:
    """Write modules with all that belongs to them: everything, or nothing."""
    chunks = [chunk for module in modules for chunk in module.chunks]
    texts = [f"{chunk['id'].replace('.', ' ')}: {chunk['text']}" for chunk in chunks]
    vectors = await embed(model, ps.kv("vectors"), texts)
    ids = [chunk["id"] for chunk in chunks]
    async with ps.unit_of_work("files", "docstrings", "references") as unit:
        await unit.doc("files").put_many({one.name: one.document for one in modules})
        await unit.vector("docstrings").upsert_arrays(ids, vectors, texts=texts, metadata=chunks)
        await unit.graph("references").upsert_edges(edge for one in modules for edge in one.edges)


async def main(question: str, config: str | Mapping[str, Any] | None = None) -> None:
    """Load, ask, print."""
    wordllama: Any = importlib.import_module("wordllama")
    home = Path(wordllama.__file__).parent  # where its weights are
    model = wordllama.WordLlama.load(cache_dir=home, disable_download=True)
    modules = [read(path) for path in sorted(ROOT.rglob("*.py")) if not SKIP & {*path.parts}]  # noqa: ASYNC240 - nothing else waits yet
    async with polystore.open(config, stores=STORES) as ps:
        for start in range(0, len(modules), 100):
            await load(ps, model, modules[start : start + 100])
        query, wanted = model.embed([question])[0], F("kind") == "function"
        docstrings, weights = ps.vector("docstrings"), (1.0, 0.1)  # words only lift what is near
        for hit in await docstrings.hybrid(question, query, k=5, filter=wanted, weights=weights):
            name = hit.metadata["module"]
            file = await ps.doc("files").get(name) or {}
            users = await ps.graph("references").neighbors(name, direction="in", types=["imports"])
            print(f"{hit.score:.4f}  {hit.id}: {hit.metadata['text'].splitlines()[0]}")
            print(f"        {file['path']}, {file['lines']} lines, imported by {len(users)}")


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:]) or "compress a stream of bytes"))
