"""What cannot work is refused with a way out, and nothing is lost."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING, Any

import pytest
from lightrag import LightRAG
from lightrag_models import TEXTS, arguments, embedding

import polystore
import polystore_lightrag
from polystore.errors import ConfigError, InvalidRecord, SchemaMismatch

from .instances import on_polystore
from .twins import make

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("found", ["1.4.15", "1.6.0", "2.0", "1.3", "0.1rc1"])
def test_another_lightrag(monkeypatch: pytest.MonkeyPatch, found: str) -> None:
    def installed(_name: str) -> str:
        return found

    monkeypatch.setattr("polystore_lightrag.registration.version", installed)
    with pytest.raises(ConfigError, match=f"not written for LightRAG {found}") as caught:
        polystore_lightrag.register()
    assert "pip install 'lightrag-hku>=1.4.16,<1.6'" in (caught.value.hint or "")


def test_no_lightrag(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("polystore_lightrag.registration.version", missing)
    with pytest.raises(ConfigError, match="LightRAG is not installed"):
        polystore_lightrag.register()


async def test_another_dimension(config: dict[str, Any], tmp_path: Path) -> None:
    await insert(config, tmp_path)
    with pytest.raises(SchemaMismatch, match="dimensions is 64 and would become 32"):
        async with on_polystore(config, tmp_path, embedding_func=embedding(dimensions=32)):
            pass
    await still_there(config, tmp_path)


async def test_another_model(config: dict[str, Any], tmp_path: Path) -> None:
    await insert(config, tmp_path)
    with pytest.raises(SchemaMismatch, match="embedding_model is 'word-counts' and would become"):
        async with on_polystore(config, tmp_path, embedding_func=embedding("other")):
            pass
    await still_there(config, tmp_path)


@pytest.mark.parametrize(
    ("declared", "why"),
    [
        ({"dimensions": 32}, "makes 64 dimensions, and 32 are declared"),
        (
            {"dimensions": 64, "embedding_model": "other"},
            "is 'word-counts', and the declared",
        ),
    ],
)
async def test_another_embedding_than_declared(
    memory_config: dict[str, Any], tmp_path: Path, declared: dict[str, Any], why: str
) -> None:
    config = memory_config | {"include": [{"lightrag": declared}]}
    with pytest.raises(SchemaMismatch, match=why):
        async with on_polystore(config, tmp_path):
            pass


async def test_a_configuration_without_a_graph_backend(tmp_path: Path) -> None:
    config = {
        "backends": {"a": {"use": "memory"}, "b": {"use": "memory"}},
        "defaults": {"kv": "a", "vector": "a", "doc": "b"},
    }
    with pytest.raises(ConfigError, match="no default for its kind") as caught:
        async with on_polystore(config, tmp_path):
            pass
    assert caught.value.store == "lightrag_chunk_entity_relation"
    assert "`graph:` under `defaults:`" in (caught.value.hint or "")


async def test_a_backend_that_has_no_graphs(redis7: Any, tmp_path: Path) -> None:
    backends = {"a": {"use": "memory"}, "keys": {"use": "redis", "url": redis7.url}}
    defaults = {"kv": "a", "vector": "a", "doc": "a", "graph": "keys"}
    config = {"backends": backends, "defaults": defaults}
    with pytest.raises(polystore.PolystoreError, match="graph"):
        async with on_polystore(config, tmp_path):
            pass


async def test_before_initialize(memory_config: dict[str, Any], tmp_path: Path) -> None:
    rag = LightRAG(
        **arguments(
            str(tmp_path),
            **polystore_lightrag.STORAGES,
            vector_db_storage_cls_kwargs={"polystore_config": memory_config},
        )
    )
    calls = (
        rag.full_docs.get_by_id("a"),
        rag.chunks_vdb.get_by_id("a"),
        rag.chunk_entity_relation_graph.has_node("a"),
        rag.chunk_entity_relation_graph.upsert_node("a", {}),
        rag.doc_status.get_by_id("a"),
    )
    for call in calls:
        with pytest.raises(RuntimeError, match="initialize"):
            await call


async def test_a_vector_that_has_no_direction(
    memory_config: dict[str, Any], tmp_path: Path
) -> None:
    import numpy as np

    async def nothing(texts: list[str], **_: Any) -> Any:
        return np.zeros((len(texts), 64), dtype=np.float32)

    function = embedding()
    function.func = nothing
    vectors = make(
        "vector_storage",
        "PolystoreVectorStorage",
        "chunks",
        memory_config,
        tmp_path,
        embedding_func=function,
    )
    await vectors.initialize()
    await vectors.upsert({"c": {"content": "tea", "full_doc_id": "d"}})
    with pytest.raises(InvalidRecord, match="zero"):
        await vectors.index_done_callback()
    await vectors.drop_pending_index_ops()
    await vectors.finalize()


async def insert(config: Any, folder: Path) -> None:
    async with on_polystore(config, folder) as rag:
        await rag.ainsert(TEXTS["doc-trade"], ids="d")


async def still_there(config: Any, folder: Path) -> None:
    async with on_polystore(config, folder) as rag:
        assert "Pedro Lima" in await rag.get_graph_labels()
        assert len(await rag.chunks_vdb.query("coffee", 10)) > 0
