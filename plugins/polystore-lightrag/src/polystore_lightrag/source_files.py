"""The files that LightRAG's default storages keep."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from typing_extensions import override

from polystore.errors import ConfigError
from polystore.sources import SourceBatch, SourcePart
from polystore_lightrag import stores
from polystore_lightrag.source_parts import Parts
from polystore_lightrag.source_rows import (
    edge_row,
    kv_row,
    kv_store,
    node_row,
    status_row,
    vector_row,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from polystore.sources import Row, Shape

_KV: Final = "kv_store_"
_VECTORS: Final = "vdb_"
_GRAPH: Final = "graph_"
_FAISS: Final = "faiss_index_"


@dataclass(frozen=True, slots=True)
class _Part:
    part: SourcePart
    file: Path
    size: int
    changed: int
    load: Callable[[], Sequence[Callable[[], Row]]]


class Files(Parts):
    """A working folder: files of the default workspace, and a folder for each other one."""

    @override
    async def open(self) -> None:
        """Read every file once, to know that it is whole."""
        self._parts: dict[str, _Part] = {}
        self._cache: tuple[str, Sequence[Callable[[], Row]]] | None = None
        await asyncio.to_thread(self._look, Path(self.location))

    def _look(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ConfigError(f"{folder} is no folder", hint="Name LightRAG's working folder")
        only = self.options.get("workspace")
        places: list[tuple[str | None, Path]] = [(None, folder)] if only is None else []
        children = (child for child in sorted(folder.iterdir()) if child.is_dir())
        places += [(child.name, child) for child in children if only in {None, child.name}]
        for workspace, place in places:
            for file in sorted(place.glob("*")):
                for part in self._parts_of(file, workspace):
                    self._parts[part.part.name] = part

    def _parts_of(self, file: Path, workspace: str | None) -> Iterator[_Part]:
        name = file.name
        if name.startswith(_FAISS):
            raise ConfigError(
                f"{file} is a Faiss index, which cannot be read",
                hint="Have LightRAG rebuild its vectors into NanoVectorDBStorage first "
                "(lightrag.tools.rebuild_vdb)",
            )
        if name.startswith(_KV) and name.endswith(".json"):
            yield self._kv(file, workspace, name[len(_KV) : -len(".json")])
        elif name.startswith(_VECTORS) and name.endswith(".json"):
            namespace = name[len(_VECTORS) : -len(".json")]
            if namespace in stores.VECTOR_FIELDS:
                yield self._vectors(file, workspace, namespace)
        elif name == f"{_GRAPH}{stores.GRAPH_NAMESPACE}.graphml":
            yield from self._graph(file, workspace)

    def _kv(self, file: Path, workspace: str | None, namespace: str) -> _Part:
        def load() -> Sequence[Callable[[], Row]]:
            if namespace == stores.DOC_STATUS_NAMESPACE:
                states = _states(file).items()
                return [lambda i=i, v=v: status_row(i, v) for i, v in states]
            rows = _object(file)
            return [lambda i=i, v=v: kv_row(namespace, i, v) for i, v in rows.items()]

        if namespace == stores.DOC_STATUS_NAMESPACE:
            return self._part(file, workspace, "doc", stores.store_name(namespace), load)
        store, _ = kv_store(namespace)
        return self._part(file, workspace, "kv", store, load)

    def _vectors(self, file: Path, workspace: str | None, namespace: str) -> _Part:
        def load() -> Sequence[Callable[[], Row]]:
            rows, matrix = _vectors(file)
            return [
                lambda row=row, i=i: vector_row(str(row["__id__"]), row, matrix[i])
                for i, row in enumerate(rows)
            ]

        _, matrix = _vectors(file)
        store = stores.store_name(namespace)
        return self._part(file, workspace, "vector", store, load, dimensions=matrix.shape[1])

    def _graph(self, file: Path, workspace: str | None) -> Iterator[_Part]:
        def nodes() -> Sequence[Callable[[], Row]]:
            found = _graph(file).nodes(data=True)
            return [lambda n=n, p=p: node_row(n, p) for n, p in found]

        def edges() -> Sequence[Callable[[], Row]]:
            found = _graph(file).edges(data=True)
            return [lambda s=s, t=t, p=p: edge_row(s, t, p) for s, t, p in found]

        store = stores.store_name(stores.GRAPH_NAMESPACE)
        yield self._part(file, workspace, "node", store, nodes, ending=" (nodes)")
        yield self._part(file, workspace, "edge", store, edges, ending=" (edges)")

    def _part(
        self,
        file: Path,
        workspace: str | None,
        shape: Shape,
        store: str,
        load: Callable[[], Sequence[Callable[[], Row]]],
        *,
        dimensions: int | None = None,
        ending: str = "",
    ) -> _Part:
        name = str(file.relative_to(self.location)) + ending
        rows = len(load())
        told = file.stat()
        part = SourcePart(name, shape, store, workspace, rows, dimensions)
        return _Part(part, file, told.st_size, told.st_mtime_ns, load)

    @override
    def parts(self) -> Sequence[SourcePart]:
        return [found.part for found in self._parts.values()]

    @override
    def fingerprint(self) -> str:
        return "; ".join(
            f"{name} {found.size} {found.changed}" for name, found in self._parts.items()
        )

    @override
    async def read(
        self, part: SourcePart, after: str | None, batch: int
    ) -> AsyncIterator[SourceBatch]:
        rows = await self._rows(part.name)
        start = 0 if after is None else int(after)
        while start < len(rows):
            end = min(start + batch, len(rows))
            yield SourceBatch([make() for make in rows[start:end]], str(end))
            start = end

    async def _rows(self, name: str) -> Sequence[Callable[[], Row]]:
        """Return a part's rows; the part read last is kept, as a file is read whole."""
        if self._cache is None or self._cache[0] != name:
            self._cache = None
            self._cache = name, await asyncio.to_thread(self._parts[name].load)
        return self._cache[1]


def _object(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            found: object = json.load(stream)
    except ValueError as error:
        raise _broken(file, str(error)) from error
    if not isinstance(found, dict):
        raise _broken(file, "it holds no object")
    return cast("dict[str, Any]", found)


def _states(file: Path) -> dict[str, dict[str, Any]]:
    found = _object(file)
    for id_, row in found.items():
        if not isinstance(row, dict):
            raise _broken(file, f"the state of {id_!r} is no object")
    return found


def _vectors(file: Path) -> tuple[list[dict[str, Any]], NDArray[np.float32]]:
    found = _object(file)
    try:
        dimensions = int(found["embedding_dim"])
        rows = cast("list[dict[str, Any]]", found["data"])
        raw = base64.b64decode(found["matrix"], validate=True)
        matrix = np.frombuffer(raw, dtype=np.float32).reshape(-1, dimensions)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise _broken(file, f"it is not NanoVectorDB's ({error})") from error
    if len(rows) != len(matrix):
        raise _broken(file, f"it has {len(rows)} records and {len(matrix)} vectors")
    for number, row in enumerate(rows):
        if not isinstance(row.get("__id__"), str):
            raise _broken(file, f"record {number} has no '__id__'")
    return rows, matrix


def _graph(file: Path) -> Any:
    from xml.etree.ElementTree import ParseError

    import networkx

    module: Any = networkx
    try:
        graph: Any = module.read_graphml(file)
    except (ParseError, networkx.NetworkXError, KeyError, ValueError) as error:
        raise _broken(file, str(error)) from error
    return module.Graph(graph)


def _broken(file: Path, why: str) -> ConfigError:
    return ConfigError(
        f"{file} cannot be read whole: {why}",
        hint="Stop LightRAG so that it writes its files, or restore this one from a backup",
    )
