"""One storage of polystore and one of LightRAG's own, told the same."""

from __future__ import annotations

import copy
import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from lightrag.kg.factory import get_storage_class
from lightrag_models import embedding

from polystore_lightrag import STORAGES

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from pathlib import Path

OWN = {
    "kv_storage": "JsonKVStorage",
    "vector_storage": "NanoVectorDBStorage",
    "graph_storage": "NetworkXStorage",
    "doc_status_storage": "JsonDocStatusStorage",
}
META = {
    "entities": {"entity_name", "source_id", "content", "file_path"},
    "relationships": {"src_id", "tgt_id", "source_id", "content", "file_path"},
    "chunks": {"full_doc_id", "content", "file_path"},
}


def dice(seed: object) -> random.Random:
    """Return chance that repeats itself."""
    return random.Random(str(seed))  # noqa: S311  a test's, no secret's


class Twins:
    """Both storages; `both` calls a method of each with arguments of its own and returns both."""

    def __init__(self, ours: Any, own: Any) -> None:
        self.ours = ours
        self.own = own

    async def both(self, method: str, *args: Any, **more: Any) -> tuple[Any, Any]:
        answers: list[Any] = []
        for storage in (self.ours, self.own):
            given, named = copy.deepcopy((args, more))  # LightRAG's own write into them
            answers.append(await getattr(storage, method)(*given, **named))
        return answers[0], answers[1]

    async def same(self, method: str, *args: Any, **more: Any) -> Any:
        """Call a method of each, which must answer the same."""
        ours, own = await self.both(method, *args, **more)
        assert ours == own, f"{method}{args}"
        return ours


def make(
    argument: str, name: str, namespace: str, config: Mapping[str, Any], folder: Path, **more: Any
) -> Any:
    """Return a storage as LightRAG makes it."""
    global_config = {
        "working_dir": str(folder),
        "embedding_batch_num": 4,
        "max_graph_nodes": more.pop("max_graph_nodes", 1000),
        "vector_db_storage_cls_kwargs": {
            "cosine_better_than_threshold": 0.2,
            "polystore_config": config,
        },
    }
    if argument == "vector_storage":
        more.setdefault("meta_fields", META[namespace])
    return get_storage_class(name)(
        namespace=namespace,
        workspace=more.pop("workspace", ""),
        global_config=global_config,
        embedding_func=more.pop("embedding_func", embedding()),
        **more,
    )


@asynccontextmanager
async def twins(
    argument: str, namespace: str, config: Mapping[str, Any], folder: Path, **more: Any
) -> AsyncGenerator[Twins]:
    """Open both storages of a namespace."""
    pair = [
        make(argument, name, namespace, config, folder, **copy.copy(more))
        for name in (STORAGES[argument], OWN[argument])
    ]
    for storage in pair:
        await storage.initialize()
    yield Twins(*pair)
    for storage in pair:
        await storage.finalize()
