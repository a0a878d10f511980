"""What doctor, plan and open find: other people's collections, lost indexes, released ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from polystore.errors import PolystoreError, SchemaMismatch, UnsupportedError

from .clients import client_of, record

if TYPE_CHECKING:
    from servers.milvus import MilvusServer

    from polystore import Polystore


async def told(ps: Polystore, check: str) -> dict[str, tuple[str, str]]:
    """Return severity and message of the findings of one kind, by store."""
    return {
        f"{f.store} {f.message}": (f.severity, f.action or "")
        for f in await ps.doctor()
        if f.check == check
    }


async def test_a_good_server(shared_block: dict[str, Any]) -> None:
    async with client_of(shared_block) as ps:
        found = [f for f in await ps.doctor() if f.backend == "main"]
        assert {f.check for f in found} >= {"version", "encryption", "load", "index"}
        assert {f.severity for f in found} == {"ok"}


async def test_a_released_collection_is_loaded_when_it_is_opened(
    block: dict[str, Any], milvus23: MilvusServer
) -> None:
    """The store's, and the catalogue's."""
    async with client_of(block) as ps:
        await ps.vector("things").upsert([record("a")])
    admin = milvus23.client()
    try:
        admin.release_collection(f"{block['namespace']}__things__1")
        admin.release_collection(f"{block['namespace']}__catalogue")
    finally:
        admin.close()
    async with client_of(block, schema="check") as ps:
        assert await ps.vector("things").count() == 1


async def test_lost_indexes_are_seen_and_mended(
    block: dict[str, Any], milvus23: MilvusServer
) -> None:
    async with client_of(block) as ps:
        await ps.vector("things").upsert([record("a")])
    name = f"{block['namespace']}__things__1"
    for field in ("workspace", "vector"):
        admin = milvus23.client()
        try:
            admin.release_collection(name)
            admin.drop_index(name, field)
        finally:
            admin.close()
        async with client_of(block, schema="check") as ps:
            found = await told(ps, "index")
            lost = {message: told for message, told in found.items() if told[0] == "error"}
            assert lost == {
                f"things the index on {field} of {name} is missing": ("error", "polystore apply")
            }
            plan = await ps.plan()
            assert [change.action for change in plan] == ["repair_index"]
            if field == "vector":  # without which it cannot be loaded
                with pytest.raises(PolystoreError):
                    await ps.vector("things").count()
            await ps.apply()
            assert not await ps.plan()
            assert {severity for severity, _ in (await told(ps, "index")).values()} == {"ok"}
            assert await ps.vector("things").count() == 1
            assert (await ps.vector("things").search([1.0] * 8, k=1))[0].id == "a"


async def test_another_collection_of_our_name(
    block: dict[str, Any], milvus23: MilvusServer
) -> None:
    admin = milvus23.client()
    try:
        admin.create_collection(f"{block['namespace']}__things__1", 8)
    finally:
        admin.close()
    with pytest.raises(SchemaMismatch, match="is not what polystore makes") as caught:
        await client_of(block).__aenter__()
    assert "Somebody else" in (caught.value.hint or "")


async def test_a_store_of_other_dimensions_under_the_catalogues_name(
    block: dict[str, Any], milvus23: MilvusServer
) -> None:
    """Somebody dropped our collection and made it anew otherwise."""
    async with client_of(block):
        pass
    name = f"{block['namespace']}__things__1"
    admin = milvus23.client()
    try:
        admin.drop_collection(name)
        with pytest.raises(SchemaMismatch):
            async with client_of(block, schema="check") as ps:
                await ps.vector("things").count()
        admin.create_collection(name, 16)
    finally:
        admin.close()
    with pytest.raises(SchemaMismatch, match="is not what polystore makes"):
        async with client_of(block, schema="check") as ps:
            await ps.vector("things").count()


@pytest.mark.parametrize("own_fields", [False, True])
async def test_another_catalogue_of_our_name(
    block: dict[str, Any], milvus23: MilvusServer, *, own_fields: bool
) -> None:
    """One of other fields, and one whose fields have our names but take something else."""
    from pymilvus import DataType  # pyright: ignore[reportMissingTypeStubs]

    name = f"{block['namespace']}__catalogue"
    admin = milvus23.client()
    try:
        if own_fields:
            schema = admin.create_schema()
            schema.add_field("pk", DataType.VARCHAR, is_primary=True, max_length=10)
            schema.add_field("value", DataType.INT64)
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
            admin.create_collection(name, schema=schema)
        else:
            admin.create_collection(name, 8)
    finally:
        admin.close()
    with pytest.raises(SchemaMismatch, match="is none of polystore's"):
        await client_of(block).__aenter__()


async def test_a_catalogue_without_its_index_is_finished(
    block: dict[str, Any], milvus23: MilvusServer
) -> None:
    """As who was cut off while making it has left it."""
    async with client_of(block) as ps:
        await ps.vector("things").upsert([record("a")])
    name = f"{block['namespace']}__catalogue"
    admin = milvus23.client()
    try:
        admin.release_collection(name)
        admin.drop_index(name, "vector")
    finally:
        admin.close()
    with pytest.raises(SchemaMismatch):
        async with client_of(block, schema="check") as ps:
            await ps.vector("things").count()
    async with client_of(block) as ps:
        assert await ps.vector("things").count() == 1


async def test_what_is_declared_is_checked_before_anything_is_asked(block: dict[str, Any]) -> None:
    stores = {"things": {"kind": "vector", "dimensions": 8, "index": {"quantization": "half"}}}
    with pytest.raises(UnsupportedError, match="quantization"):
        await client_of({**block, "uri": "http://127.0.0.1:1"}, stores).__aenter__()
