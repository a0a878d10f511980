"""Writing a group of files: what is new goes in, what is no longer there goes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from polystore.demo.records import Parsed, Problem, summary
from polystore.demo.stores import CHUNKS, CODE, MODULES
from polystore.filters import F
from polystore.types.records import Node

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy import float32
    from numpy.typing import NDArray

    from polystore.demo.records import Chunk
    from polystore.stores.doc import DocStore
    from polystore.stores.graph import GraphStore
    from polystore.stores.vector import VectorStore
    from polystore.types.records import EdgeKey

EXTRACTOR = 1
"""Version of how files are taken apart; raising it loads every file anew."""

_MAX_DOCSTRING = 4000
_NAMES_PER_QUERY = 200


class Views(Protocol):
    """Where to write: a client, a workspace of it, or a unit of work."""

    def doc(self, name: str) -> DocStore:
        """Return a document store."""
        ...

    def vector(self, name: str) -> VectorStore:
        """Return a vector store."""
        ...

    def graph(self, name: str) -> GraphStore:
        """Return a graph store."""
        ...


@dataclass(slots=True)
class Stale:
    """What the stores hold of some files and should not any more.

    Attributes:
        bare: Nodes that no file defines any more, but to which other files still point.
    """

    chunks: list[str] = field(default_factory=list[str])
    edges: list[EdgeKey] = field(default_factory=list["EdgeKey"])
    nodes: list[str] = field(default_factory=list[str])
    bare: list[str] = field(default_factory=list[str])
    documents: list[str] = field(default_factory=list[str])


async def find_stale(views: Views, group: Sequence[Parsed], removed: Sequence[str]) -> Stale:
    """Return what is stored for the files of `group` and `removed` and is not in `group`.

    It asks the stores, not the documents, so that the remains of a run that was cut off are found.
    """
    names = [parsed.source.name for parsed in group] + list(removed)
    stale = Stale(documents=list(removed))
    kept = {chunk.id for parsed in group for chunk in parsed.chunks}
    owned: set[str] = set()
    for start in range(0, len(names), _NAMES_PER_QUERY):
        of_these = F("module").is_in(names[start : start + _NAMES_PER_QUERY])
        found = views.vector(CHUNKS).scan(of_these)
        stale.chunks += [record.id async for record in found if record.id not in kept]
        owned.update([node.id async for node in views.graph(CODE).scan_nodes(of_these)])
    if owned:
        await _stale_graph(views.graph(CODE), group, sorted(owned), stale)
    return stale


async def _stale_graph(
    graph: GraphStore, group: Sequence[Parsed], owned: list[str], stale: Stale
) -> None:
    edges = {edge.key for parsed in group for edge in parsed.edges}
    nodes = {node.id for parsed in group for node in parsed.nodes}
    outgoing = await graph.edges_of(owned, direction="out")
    stale.edges = [edge.key for part in outgoing for edge in part if edge.key not in edges]
    going = set(stale.edges)
    targets = {key.target for key in going}
    ends = await graph.get_nodes(sorted(targets - set(owned)))
    unknown = {node.id for node in ends if node is not None and not node.labels}
    candidates = sorted((set(owned) | unknown) - nodes)
    pointed_at = {edge.target for edge in (edge for parsed in group for edge in parsed.edges)}
    incoming = await graph.edges_of(candidates, direction="in")
    for id_, part in zip(candidates, incoming, strict=True):
        if id_ in pointed_at or any(edge.key not in going for edge in part):
            if id_ not in unknown:
                stale.bare.append(id_)
        else:
            stale.nodes.append(id_)


async def write_group(
    views: Views, group: Sequence[Parsed], vectors: NDArray[float32], stale: Stale, about: Any
) -> None:
    """Write a group of files, its documents last, so that a run cut off is repaired by the next.

    Args:
        views: Where to.
        group: The files.
        vectors: A row for each chunk of `group`, in order.
        stale: What to delete, as `find_stale` told.
        about: What every document says too: the corpus, and how it was taken apart.
    """
    chunks = [(parsed, chunk) for parsed in group for chunk in parsed.chunks]
    await views.vector(CHUNKS).upsert_arrays(
        [chunk.id for _, chunk in chunks],
        vectors,
        texts=[chunk.searched for _, chunk in chunks],
        metadata=[_metadata(parsed, chunk) for parsed, chunk in chunks],
    )
    graph = views.graph(CODE)
    await graph.upsert_nodes(node for parsed in group for node in parsed.nodes)
    await graph.upsert_edges(edge for parsed in group for edge in parsed.edges)
    await _delete(views, stale)
    documents = views.doc(MODULES)
    await documents.put_many(
        (parsed.source.name, {**_document(parsed), **about}) for parsed in group
    )
    if stale.documents:
        await documents.delete(stale.documents)


async def _delete(views: Views, stale: Stale) -> None:
    graph = views.graph(CODE)
    if stale.chunks:
        await views.vector(CHUNKS).delete(stale.chunks)
    if stale.edges:
        await graph.delete_edges(stale.edges)
    if stale.bare:
        await graph.upsert_nodes(Node(id_) for id_ in stale.bare)
    if stale.nodes:
        await graph.delete_nodes(stale.nodes)


def _metadata(parsed: Parsed, chunk: Chunk) -> dict[str, Any]:
    return {
        "module": parsed.source.name,
        "package": parsed.source.package,
        "kind": chunk.kind,
        "lines": chunk.lines,
        "public": chunk.public,
        "name": chunk.name,
        "signature": chunk.signature,
        "summary": summary(chunk.text),
        "line": chunk.line,
    }


def _document(parsed: Parsed) -> dict[str, Any]:
    source = parsed.source
    return {
        "format": source.format,
        "package": source.package,
        "path": source.path,
        "lines": parsed.lines,
        "size": source.size,
        "docstring": parsed.docstring[:_MAX_DOCSTRING],
        "sha256": source.sha256,
        "mtime": source.mtime,
        "chunks": len(parsed.chunks),
        "definitions": len(parsed.nodes) - 1 if parsed.nodes else 0,
        "problems": [problem.reason for problem in parsed.problems],
    }


def stored_problems(path: str, reasons: Iterable[str]) -> list[Problem]:
    """Return the problems that a stored document tells of."""
    return [Problem(path, reason) for reason in reasons]
