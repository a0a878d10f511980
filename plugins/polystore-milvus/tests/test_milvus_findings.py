"""What is there and should not be, what should be there and is not; and what doctor says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from polystore import VectorRecord
from polystore.errors import ConfigError, PolystoreError, SchemaMismatch, UnsupportedError

from .clients import DIMENSIONS, client_of, matrix

if TYPE_CHECKING:
    from collections.abc import Generator

    from servers.milvus import MilvusServer

    from polystore import Polystore


@pytest.fixture
def admin(milvus23: MilvusServer) -> Generator[Any]:
    """A client of Milvus' own, for what somebody else does to the server."""
    client = milvus23.client()
    yield client
    client.close()


async def told(ps: Polystore) -> dict[tuple[str, str], tuple[str, str]]:
    return {
        (f.check, f.message.partition(" of ")[0]): (f.severity, f.message)
        for f in await ps.doctor()
        if f.backend == "main"
    }


def severities(found: dict[tuple[str, str], tuple[str, str]], check: str) -> set[str]:
    return {severity for (name, _), (severity, _) in found.items() if name == check}


ROW = VectorRecord("a", [1.0] * DIMENSIONS, "text", {"n": 1})


async def test_a_good_server(block: dict[str, Any]) -> None:
    async with client_of(block) as ps:
        found = await told(ps)
        for check in ("version", "encryption", "load", "index"):
            assert severities(found, check) == {"ok"}, check
        assert await ps.plan() == []


async def test_a_collection_of_our_name_made_by_somebody_else(
    block: dict[str, Any], admin: Any
) -> None:
    admin.create_collection(f"{block['namespace']}__chunks__1", DIMENSIONS)
    with pytest.raises(SchemaMismatch, match="is not what polystore makes"):
        await client_of(block).__aenter__()
    assert admin.has_collection(f"{block['namespace']}__chunks__1")


async def test_a_catalogue_of_our_name_made_by_somebody_else(
    block: dict[str, Any], admin: Any
) -> None:
    admin.create_collection(f"{block['namespace']}__catalogue", DIMENSIONS)
    for schema in ("auto", "check"):
        with pytest.raises(SchemaMismatch, match="none of polystore's"):
            await client_of(block, schema=schema).__aenter__()


async def test_other_dimensions_and_metrics_are_refused(block: dict[str, Any]) -> None:
    async with client_of(block) as ps:
        await ps.vector("chunks").upsert([ROW])
    for changes in ({"dimensions": 16}, {"metric": "l2"}):
        with pytest.raises(PolystoreError) as caught:
            async with client_of(block, **changes) as ps:
                await ps.vector("chunks").count()
        assert isinstance(caught.value, SchemaMismatch), caught.value
    async with client_of(block) as ps:
        assert await ps.vector("chunks").count() == 1


async def test_a_catalogue_without_its_index_is_completed(
    block: dict[str, Any], admin: Any
) -> None:
    """As somebody leaves it who is cut off while making it."""
    async with client_of(block) as ps:
        await ps.vector("chunks").upsert([ROW])
    name = f"{block['namespace']}__catalogue"
    admin.release_collection(name)
    admin.drop_index(name, "vector")
    async with client_of(block) as ps:
        record = await ps.vector("chunks").get("a")
        assert record is not None
        assert record.text == "text"


async def test_released_collections_are_loaded_again(block: dict[str, Any], admin: Any) -> None:
    async with client_of(block) as ps:
        await ps.vector("chunks").upsert([ROW])
    for name in ("catalogue", "chunks__1"):
        admin.release_collection(f"{block['namespace']}__{name}")
    async with client_of(block, schema="check") as ps:
        assert await ps.vector("chunks").count() == 1
        assert severities(await told(ps), "load") == {"ok"}


async def test_a_dropped_index_is_seen_and_mended(block: dict[str, Any], admin: Any) -> None:
    async with client_of(block) as ps:
        await ps.vector("chunks").upsert([ROW])
    name = f"{block['namespace']}__chunks__1"
    admin.release_collection(name)
    admin.drop_index(name, "vector")
    admin.drop_index(name, "workspace")
    async with client_of(block, schema="check") as ps:
        found = await told(ps)
        assert severities(found, "index") == {"error"}
        assert severities(found, "load") == {"error"}
        changes = await ps.plan()
        assert [change.action for change in changes] == ["repair_index"] * 2
        await ps.apply()
        assert await ps.plan() == []
        found = await told(ps)
        assert severities(found, "index") == severities(found, "load") == {"ok"}
        assert await ps.vector("chunks").count() == 1


async def test_a_collection_that_was_dropped(block: dict[str, Any], admin: Any) -> None:
    async with client_of(block) as ps:
        await ps.vector("chunks").upsert([ROW])
        name = f"{block['namespace']}__chunks__1"
        admin.drop_collection(name)
        with pytest.raises(PolystoreError):
            await ps.vector("chunks").with_options(timeout=2, consistency="strong").get("a")
        (change,) = await ps.plan()
        assert "is gone" in change.summary
        await ps.apply()
        assert await ps.vector("chunks").count() == 0
        await ps.vector("chunks").upsert([ROW])
        assert await ps.vector("chunks").count() == 1


async def test_an_index_that_somebody_else_made_is_refused(
    block: dict[str, Any], admin: Any
) -> None:
    async with client_of(block) as ps:
        await ps.vector("chunks").upsert([ROW])
    name = f"{block['namespace']}__chunks__1"
    for kind, metric in (("HNSW", "L2"), ("FLAT", "COSINE")):
        admin.release_collection(name)
        admin.drop_index(name, "vector")
        params = admin.prepare_index_params()
        build = {"M": 16, "efConstruction": 64} if kind == "HNSW" else {}
        params.add_index(
            "vector", index_name="vector", index_type=kind, metric_type=metric, params=build
        )
        admin.create_index(name, params)
        with pytest.raises(SchemaMismatch, match=f"indexed by {kind} {metric}, not by HNSW COSINE"):
            async with client_of(block) as ps:
                await ps.vector("chunks").count()


async def test_an_index_that_the_server_refuses(block: dict[str, Any]) -> None:
    bad = {"milvus": {"index_params": {"M": 5000}}}
    with pytest.raises(UnsupportedError, match="M out of range"):
        await client_of(block, options=bad).__aenter__()
    async with client_of(block) as ps:
        await ps.vector("chunks").upsert([ROW])


async def test_wrong_options_are_refused(block: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError, match="quantization"):
        await client_of(block, index={"quantization": "half"}).__aenter__()
    with pytest.raises(ConfigError, match="shardz"):
        await client_of(block, options={"milvus": {"shardz": 2}}).__aenter__()


async def test_a_store_in_several_shards(block: dict[str, Any], admin: Any) -> None:
    async with client_of(block, options={"milvus": {"shards": 3}}) as ps:
        chunks = ps.vector("chunks")
        ids = [f"{n:04}" for n in range(1500)]
        await chunks.upsert_arrays(ids, matrix(1500))
        assert [record.id async for record in chunks.scan()] == ids
        assert await chunks.count() == 1500
        assert await chunks.delete(ids[::2]) == 750
        assert [record.id async for record in chunks.scan()] == ids[1::2]
        assert len(await chunks.search([1.0] * DIMENSIONS, k=750)) == 750
    described = admin.describe_collection(f"{block['namespace']}__chunks__1")
    assert described["num_shards"] == 3


async def test_what_is_required_and_missing_is_refused(block: dict[str, Any]) -> None:
    import polystore

    for capability in ("text_search", "transaction"):
        config = {
            "backends": {"main": block},
            "stores": {"chunks": {"kind": "vector", "dimensions": 8}},
            "require": {"chunks": [capability]},
        }
        with pytest.raises(UnsupportedError, match=capability):
            await polystore.open(config, schema="auto").__aenter__()
