"""Where the configuration comes from, and the stores that it gets."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from lightrag_models import TEXTS, arguments

import polystore
import polystore_lightrag
from polystore.errors import ConfigError, SchemaMismatch
from polystore_lightrag import settings
from polystore_lightrag.keys import namespace_prefix, stored_key
from polystore_lightrag.stores import all_specs

from .instances import on_polystore, running

if TYPE_CHECKING:
    from pathlib import Path

    from lightrag import LightRAG

CORE = {
    "full_docs": "kv",
    "text_chunks": "kv",
    "llm_response_cache": "kv",
    "full_entities": "kv",
    "full_relations": "kv",
    "entity_chunks": "kv",
    "relation_chunks": "kv",
    "other": "kv",
    "entities": "vector",
    "relationships": "vector",
    "chunks": "vector",
    "chunk_entity_relation": "graph",
    "doc_status": "doc",
}


def test_the_set_of_stores() -> None:
    found = {spec.name: spec.kind for spec in all_specs(8, None)}
    assert found == {f"lightrag_{name}": kind for name, kind in CORE.items()}


async def test_plan_sees_the_set_and_apply_makes_it(postgres_dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "polystore.yaml"
    named = {"lightrag": {"dimensions": 64, "embedding_model": "word-counts"}}
    backends = {"main": {"use": "postgres", "dsn": postgres_dsn}}
    file.write_text(yaml.safe_dump({"backends": backends, "include": [named]}))
    with pytest.raises(SchemaMismatch, match="lightrag_"):
        async with on_polystore(file, tmp_path):
            pass
    async with polystore.open(file, schema="off") as ps:
        planned = {change.store for change in await ps.plan() if change.store}
        assert planned >= {f"lightrag_{name}" for name in CORE}
        await ps.apply()
        assert await ps.plan() == []
    async with on_polystore(file, tmp_path) as rag:
        await rag.ainsert(TEXTS["doc-trade"], ids="d")
        cache = parse_cache(rag)
        await cache.initialize()  # needs no store of its own, which nobody would make here
        await cache.upsert({"k": {"content_list": [{"type": "text"}]}})
        assert (await cache.get_by_id("k"))["content_list"] == [{"type": "text"}]
        await cache.finalize()
    async with polystore.open(file) as ps:
        assert await ps.plan() == []


def parse_cache(rag: LightRAG) -> Any:
    """Make the storage of a namespace that LightRAG has not, as RAG-Anything does."""
    make: Any = rag.key_string_value_json_storage_cls
    embedding = rag.embedding_func
    return make(namespace="parse_cache", workspace=rag.workspace, embedding_func=embedding)


def test_the_set_needs_dimensions(monkeypatch: pytest.MonkeyPatch) -> None:
    from polystore_lightrag.plugin import polystore_store_sets

    monkeypatch.delenv("EMBEDDING_DIM", raising=False)
    with pytest.raises(ConfigError, match="which is not given") as caught:
        polystore_store_sets({})
    assert "include: [{lightrag: {dimensions: 1024" in (caught.value.hint or "")
    for wrong in ("many", 0, True, 2.5):
        with pytest.raises(ConfigError, match="number of dimensions, which is"):
            polystore_store_sets({"dimensions": wrong})
    with pytest.raises(ConfigError, match="does not know dimension"):
        polystore_store_sets({"dimension": 3})
    monkeypatch.setenv("EMBEDDING_DIM", "12")
    monkeypatch.setenv("EMBEDDING_MODEL", "m")
    assert list(polystore_store_sets({})["lightrag"]) == all_specs(12, "m")


async def test_the_environment_and_register_name_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "_default", {})
    files: dict[str, Path] = {}
    for name in ("environment", "registered", "given"):
        files[name] = tmp_path / f"{name}.yaml"
        files[name].write_text(f"backends: {{{name}: {{use: memory}}}}\n")
    monkeypatch.setenv("POLYSTORE_CONFIG", str(files["environment"]))
    assert await backend(tmp_path) == "environment"
    polystore_lightrag.register(files["registered"])
    assert await backend(tmp_path) == "registered"
    chosen = {"polystore_config": str(files["given"])}
    assert await backend(tmp_path, vector_db_storage_cls_kwargs=chosen) == "given"


async def backend(folder: Path, **more: Any) -> str:
    async with running(**arguments(str(folder), **polystore_lightrag.STORAGES, **more)) as rag:
        lease: Any = rag.full_docs
        [name] = lease._lease.client.runtime.backends
        return name


async def test_a_storage_alone(memory_config: dict[str, Any], tmp_path: Path) -> None:
    """Only what LightRAG takes from polystore needs a backend."""
    config = memory_config | {"defaults": {"kv": "memory"}}
    config["backends"] = {**memory_config["backends"], "spare": {"use": "memory"}}
    chosen = {"polystore_config": config}
    given = arguments(
        str(tmp_path), kv_storage="PolystoreKVStorage", vector_db_storage_cls_kwargs=chosen
    )
    async with running(**given) as rag:
        await rag.ainsert(TEXTS["doc-trade"], ids="d")
        assert "Pedro Lima" in await rag.get_graph_labels()
    async with polystore.open(config) as ps:
        assert {size.store for size in await ps.sizes()} <= {
            f"lightrag_{name}" for name, kind in CORE.items() if kind == "kv"
        }


async def test_a_declared_store_stands_in(memory_config: dict[str, Any], tmp_path: Path) -> None:
    declared = {
        "lightrag_llm_response_cache": {"kind": "kv", "ttl": "30d"},
        "lightrag_parse_cache": {"kind": "kv"},
    }
    async with on_polystore(memory_config | {"stores": declared}, tmp_path) as rag:
        await rag.ainsert(TEXTS["doc-trade"], ids="d")
        cache = parse_cache(rag)
        await cache.initialize()
        await cache.upsert({"k": {"a": 1}})
        await cache.finalize()
    async with polystore.open(memory_config | {"stores": declared}) as ps:
        async for entry in ps.kv("lightrag_llm_response_cache").scan():
            assert entry.expires_at is not None
        assert await ps.kv("lightrag_parse_cache").get("k") == {"a": 1}


PROGRAM = """
import asyncio, json, sys
sys.path.insert(0, sys.argv[1])
import polystore_lightrag
from lightrag import LightRAG
from lightrag_models import TEXTS, arguments

async def main():
    polystore_lightrag.register(sys.argv[2])
    rag = LightRAG(**arguments(sys.argv[3], workspace=sys.argv[4], **polystore_lightrag.STORAGES))
    await rag.initialize_storages()
    await rag.ainsert(TEXTS[sys.argv[5]], ids="d")
    labels = await rag.get_graph_labels()
    await rag.finalize_storages()
    print(json.dumps(labels))

asyncio.run(main())
"""


async def test_workspaces_of_several_processes(
    postgres_dsn: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    file = tmp_path / "polystore.yaml"
    main = {"use": "postgres", "dsn": postgres_dsn, "schema": "auto"}
    file.write_text(yaml.safe_dump({"backends": {"main": main}}))

    async def process(workspace: str, text: str) -> list[str]:
        arguments = (pytestconfig.rootpath / "tests", file, tmp_path / workspace, workspace, text)
        running = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, *map(str, arguments), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await running.communicate()
        assert running.returncode == 0
        return json.loads(out.decode().splitlines()[-1])

    one, other = await asyncio.gather(process("one", "doc-harbour"), process("two", "doc-trade"))
    assert "Elbe Yard" in one
    assert "Elbe Yard" not in other
    assert "Pedro Lima" in other
    assert "Pedro Lima" not in one


def test_keys_of_any_length() -> None:
    keys = ["a", "a" * 512, "a" * 513, "a" * 600, "长" * 170, "长" * 171, "a\u241eb", "é" * 300]
    stored = [stored_key(key) for key in keys]
    assert len(set(stored)) == len(keys)
    assert all(len(key.encode()) <= 512 for key in stored)
    assert stored[:2] == keys[:2]
    assert stored[4] == keys[4]
    again = [stored_key(key) for key in stored]
    assert len({*again, *stored}) > len(stored)  # what looks like a shortened key is none
    prefixes = [namespace_prefix(name) for name in ("a", "a/", "a/b", "ab", "A", "%2F", "/")]
    assert not any(one != other and one.startswith(other) for one in prefixes for other in prefixes)
