"""LightRAG as it comes from the package index, on polystore and on its own storages."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from lightrag import QueryParam
from lightrag_models import QUESTIONS, TEXTS

import polystore
from polystore_lightrag import pool
from polystore_lightrag.stores import all_specs

from .asking import MODES, graph, read, retrieved
from .instances import on_its_own, on_polystore

if TYPE_CHECKING:
    from pathlib import Path


async def rows(config: Any, workspace: str = "default") -> dict[str, int]:
    async with polystore.open(config) as ps:
        return {size.store: size.rows for size in await ps.workspace(workspace).sizes()}


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time stands still: LightRAG orders what it merges by the second in which it was said."""
    now = int(time.time())

    def seconds(_time: object) -> int:
        return now

    monkeypatch.setattr(time, "time", lambda: float(now))
    monkeypatch.setattr("polystore_lightrag.kv._seconds", seconds)


@pytest.mark.usefixtures("still")
async def test_the_same_results_as_on_its_own_storages(
    config: dict[str, Any], tmp_path: Path
) -> None:
    async with on_polystore(config, tmp_path) as ours, on_its_own(tmp_path) as own:
        for rag in (ours, own):
            await read(rag)
        assert await graph(ours) == await graph(own)
        assert await retrieved(ours) == await retrieved(own)
        said = await ours.aquery(QUESTIONS[0], QueryParam(mode="bypass"))
        assert said == await own.aquery(QUESTIONS[0], QueryParam(mode="bypass"))
        labels = [await rag.get_graph_labels() for rag in (ours, own)]
        assert labels[0] == labels[1]
        # And after a document was taken out again.
        for rag in (ours, own):
            assert (await rag.adelete_by_doc_id("doc-letters")).status == "success"
        assert await graph(ours) == await graph(own)
        assert await retrieved(ours) == await retrieved(own)


async def test_it_is_all_there_after_a_restart(config: dict[str, Any], tmp_path: Path) -> None:
    async with on_polystore(config, tmp_path) as rag:
        await read(rag)
        before = await retrieved(rag), await graph(rag)
    async with on_polystore(config, tmp_path / "elsewhere") as rag:
        assert (await retrieved(rag), await graph(rag)) == before
        await rag.ainsert(TEXTS["doc-trade"], ids="doc-trade")  # is there, and is not read again
        assert (await graph(rag)) == before[1]


async def test_deleting_documents_leaves_nothing(config: dict[str, Any], tmp_path: Path) -> None:
    async with on_polystore(config, tmp_path) as rag:
        await read(rag)
        filled = await rows(config)
        for store in {spec.name for spec in all_specs(1, None)} - {"lightrag_other"}:
            assert filled[store] > 0, store
        await rag.adelete_by_doc_id("doc-harbour", delete_llm_cache=True)
        left = await graph(rag)
        assert "Elbe Yard" not in left["nodes"]
        assert "Karl Weber" in left["nodes"]
        chunks = [
            chunk for node in left["nodes"].values() for chunk in node["source_id"].split("<SEP>")
        ]
        assert all(await rag.text_chunks.get_by_ids(chunks))
        for document in ("doc-letters", "doc-trade"):
            await rag.adelete_by_doc_id(document, delete_llm_cache=True)
    assert {store: count for store, count in (await rows(config)).items() if count} == {}


@pytest.mark.usefixtures("still")
async def test_merging_entities(config: dict[str, Any], tmp_path: Path) -> None:
    async with on_polystore(config, tmp_path) as ours, on_its_own(tmp_path) as own:
        for rag in (ours, own):
            await read(rag)
            await rag.amerge_entities(["Ada Brunel", "Mary Stone"], "Ada Brunel")
            await rag.aedit_entity("Karl Weber", {"entity_name": "Carl Weber"}, allow_rename=True)
            await rag.adelete_by_entity("Pedro Lima")
            await rag.adelete_by_relation("Canton", "London")
        left = await graph(ours)
        assert left == await graph(own)
        assert not {"Mary Stone", "Karl Weber", "Pedro Lima"} & left["nodes"].keys()
        assert await retrieved(ours) == await retrieved(own)


async def test_workspaces_never_mix(config: dict[str, Any], tmp_path: Path) -> None:
    names = ["a-b", "a_b", "A-b"]
    async with (
        on_polystore(config, tmp_path, workspace=names[0]) as one,
        on_polystore(config, tmp_path, workspace=names[1]) as other,
        on_polystore(config, tmp_path, workspace=names[2]) as empty,
    ):
        await asyncio.gather(
            one.ainsert(TEXTS["doc-harbour"], ids="d"), other.ainsert(TEXTS["doc-trade"], ids="d")
        )
        assert "Elbe Yard" in await one.get_graph_labels()
        assert "Elbe Yard" not in await other.get_graph_labels()
        assert "Pedro Lima" in await other.get_graph_labels()
        assert await empty.get_graph_labels() == []
        assert await empty.chunks_vdb.query("tea", 10) == []
        assert len(await one.chunks_vdb.query("tea", 10)) > 0
        before = await graph(other)
        await one.adelete_by_doc_id("d", delete_llm_cache=True)
        assert await graph(other) == before
    assert not any((await rows(config, names[0])).values())
    assert any((await rows(config, names[1])).values())


async def test_instances_share_a_client(config: dict[str, Any], tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with on_polystore(config, tmp_path) as one:
        async with on_polystore(config, tmp_path, workspace="other"):
            [lease] = pool.leases(loop)
            assert lease.users == 24
        assert lease.users == 12
        assert await one.get_graph_labels() == []
    assert pool.leases(loop) == []


def test_one_configuration_in_several_loops(memory_config: dict[str, Any], tmp_path: Path) -> None:
    async def run() -> list[str]:
        async with on_polystore(memory_config, tmp_path) as rag:
            await read(rag)
            return await rag.get_graph_labels()

    assert asyncio.run(run()) == asyncio.run(run())


@pytest.mark.parametrize("mode", MODES)
async def test_the_cache_answers_the_second_time(
    memory_config: dict[str, Any], tmp_path: Path, mode: Any
) -> None:
    async with on_polystore(memory_config, tmp_path) as rag:
        await read(rag)
        first = await rag.aquery(QUESTIONS[0], QueryParam(mode=mode))
        kept = (await rows(memory_config))["lightrag_llm_response_cache"]
        assert await rag.aquery(QUESTIONS[0], QueryParam(mode=mode)) == first
        assert (await rows(memory_config))["lightrag_llm_response_cache"] == kept
