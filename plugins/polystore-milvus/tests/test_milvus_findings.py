"""What open, plan and doctor find: other people's collections, lost indexes, released ones.

Stores share a catalogue, whose making takes a second, where nothing happens to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pymilvus import DataType  # pyright: ignore[reportMissingTypeStubs]

import polystore
from polystore.errors import ConfigError, Conflict, PolystoreError, SchemaMismatch, UnsupportedError
from polystore_milvus import changes, collections

from .clients import DIMENSIONS, client_of, matrix, record

if TYPE_CHECKING:
    from collections.abc import Generator

    from servers.milvus import MilvusServer

    from polystore import Polystore
    from polystore.types.reports import Finding


@pytest.fixture(scope="module")
def admin(milvus23: MilvusServer) -> Generator[Any]:
    """A client of Milvus' own, for what somebody else does to the server."""
    client = milvus23.client()
    yield client
    client.close()


def collection(block: dict[str, Any], store: str) -> str:
    return f"{block['namespace']}__{store}__1"


async def findings(ps: Polystore, check: str, store: str | None) -> list[Finding]:
    """Return what is found of one store, or of the whole server."""
    found = [f for f in await ps.doctor() if f.backend == "main" and f.check == check]
    return [f for f in found if f.store == store]


async def severities(ps: Polystore, check: str, store: str | None) -> set[str]:
    return {finding.severity for finding in await findings(ps, check, store)}


async def test_a_good_server(shared_block: dict[str, Any]) -> None:
    async with client_of(shared_block, "good") as ps:
        for check, store in (
            ("version", None),
            ("encryption", None),
            ("clock", None),
            ("load", "good"),
            ("index", "good"),
        ):
            assert await severities(ps, check, store) == {"ok"}, check
        assert await ps.plan() == []


async def test_a_collection_of_our_name_made_by_somebody_else(
    shared_block: dict[str, Any], admin: Any
) -> None:
    name = collection(shared_block, "taken")
    admin.create_collection(name, DIMENSIONS)
    with pytest.raises(SchemaMismatch, match="is not what polystore makes") as caught:
        await client_of(shared_block, "taken").__aenter__()
    assert "Somebody else" in (caught.value.hint or "")
    assert admin.has_collection(name)


@pytest.mark.parametrize("own_fields", [False, True])
async def test_a_catalogue_of_our_name_made_by_somebody_else(
    block: dict[str, Any], admin: Any, *, own_fields: bool
) -> None:
    """One of other fields, and one whose fields have our names but take something else."""
    name = f"{block['namespace']}__catalogue"
    if own_fields:
        schema = admin.create_schema()
        schema.add_field("pk", DataType.VARCHAR, is_primary=True, max_length=10)
        schema.add_field("value", DataType.INT64)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
        admin.create_collection(name, schema=schema)
    else:
        admin.create_collection(name, DIMENSIONS)
    for policy in ("auto", "check"):
        with pytest.raises(SchemaMismatch, match="is none of polystore's"):
            await client_of(block, schema=policy).__aenter__()


async def test_a_catalogue_without_its_index_is_finished(block: dict[str, Any], admin: Any) -> None:
    """As who was cut off while making it has left it."""
    async with client_of(block) as ps:
        await ps.vector("things").upsert([record("a")])
    name = f"{block['namespace']}__catalogue"
    admin.release_collection(name)
    admin.drop_index(name, "vector")
    with pytest.raises(SchemaMismatch):
        await client_of(block, schema="check").__aenter__()
    async with client_of(block) as ps:
        assert await ps.vector("things").count() == 1
    # And one that was only released is loaded again, as is the store, also to list workspaces.
    for released in (name, collection(block, "things")):
        admin.release_collection(released)
    config = {"backends": {"main": {"use": "milvus", **block}}}
    async with polystore.open(config, schema="check") as ps:
        assert await ps.workspaces() == ["default"]
    admin.release_collection(collection(block, "things"))
    async with client_of(block, schema="check") as ps:
        assert await ps.vector("things").count() == 1
        assert await severities(ps, "load", "things") == {"ok"}


async def test_what_a_drop_that_was_cut_off_left_is_told(block: dict[str, Any], admin: Any) -> None:
    left, other = f"{block['namespace']}__things__7", f"{block['namespace']}__others__catalogue"
    async with client_of(block) as ps:
        for name in (left, other):  # the second is another namespace's
            assert await findings(ps, "leftover", "things") == []
            admin.create_collection(name, DIMENSIONS)
            told = [f for f in await ps.doctor() if f.check == "leftover"]
            assert [(f.severity, left in f.message) for f in told] == [("warning", True)] * (
                name == left
            )
            admin.drop_collection(name)


async def test_what_a_drop_that_was_cut_off_left_is_no_part_of_a_new_generation(
    block: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number is that of the one that was given up, and so is the collection's name."""

    async def cut_off(*_: Any) -> None:
        raise InterruptedError

    async with client_of(block) as ps:
        await ps.vector("things").upsert([record("a", text="a")])
    async with client_of(block, schema="off", metric="l2") as ps:
        generations = ps.generations("things")
        assert await generations.start() == 2
        await generations.fill(lambda texts: [[9.0] * DIMENSIONS for _ in texts])
        with monkeypatch.context() as patch:
            patch.setattr(collections, "drop", cut_off)
            with pytest.raises(InterruptedError):
                await generations.drop(unfinished=True)
        assert [f.severity for f in await findings(ps, "leftover", "things")] == ["warning"]
        assert await ps.workspaces() == ["default"]
        assert await generations.start() == 2
        assert await findings(ps, "leftover", "things") == []
        assert (await generations.fill()).carried == 1
        await generations.switch()
        assert await generations.drop() == 1
    async with client_of(block, metric="l2") as ps:
        (found,) = [one async for one in ps.vector("things").scan(with_vectors=True)]
        assert found.vector is not None
        assert list(found.vector) == list(record("a").vector or ())


async def test_who_was_held_up_drops_no_generation_that_another_process_made(
    block: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = changes.apply

    async def held_up(*arguments: Any) -> None:
        monkeypatch.setattr(changes, "apply", plain)
        async with client_of(block, schema="off", metric="l2") as other:
            generations = other.generations("things")
            assert await generations.start() == 2
            await generations.fill()
            await generations.switch()
        await plain(*arguments)

    async with client_of(block) as ps:
        await ps.vector("things").upsert([record("a", text="a")])
    async with client_of(block, schema="off", metric="l2") as ps:
        monkeypatch.setattr(changes, "apply", held_up)
        with pytest.raises(Conflict, match="generation 2 meanwhile"):
            await ps.generations("things").start()
    async with client_of(block, schema="check", metric="l2") as ps:
        assert await ps.vector("things").count() == 1


async def test_other_dimensions_and_metrics_are_refused(shared_block: dict[str, Any]) -> None:
    async with client_of(shared_block, "fixed") as ps:
        await ps.vector("fixed").upsert([record("a")])
    others: list[dict[str, Any]] = [{"dimensions": 16}, {"metric": "l2"}]
    for changed in others:
        with pytest.raises(SchemaMismatch):
            async with client_of(shared_block, "fixed", **changed) as ps:
                await ps.vector("fixed").count()
    async with client_of(shared_block, "fixed") as ps:
        assert await ps.vector("fixed").count() == 1


async def test_lost_indexes_are_seen_and_mended(shared_block: dict[str, Any], admin: Any) -> None:
    fields = {"indexed": "integer"}
    async with client_of(shared_block, "lost", fields=fields) as ps:
        await ps.vector("lost").upsert([record("a")])
    name = collection(shared_block, "lost")
    (declared,) = (f for f in admin.list_indexes(name) if f.startswith("field_"))
    admin.release_collection(name)
    for field in ("vector", "workspace", declared):
        admin.drop_index(name, field)
    async with client_of(shared_block, "lost", schema="check", fields=fields) as ps:
        found = await findings(ps, "index", "lost")
        lost = {f.message: f.action for f in found if f.severity == "error"}
        assert lost == {
            f"the index on {field} of {name} is missing": "polystore apply"
            for field in ("vector", "workspace", declared)
        }
        # Without the vectors' it cannot be loaded, and what cannot be asked is an error.
        (load,) = await findings(ps, "load", "lost")
        assert (load.severity, load.action) == ("error", "polystore apply")
        with pytest.raises(PolystoreError):
            await ps.vector("lost").count()
        assert [change.action for change in await ps.plan()] == ["repair_index"] * 3
        await ps.apply()
        assert await ps.plan() == []
        for check in ("index", "load"):
            assert await severities(ps, check, "lost") == {"ok"}
        assert await ps.vector("lost").count() == 1


async def test_a_collection_that_was_dropped(shared_block: dict[str, Any], admin: Any) -> None:
    """It is never taken for an empty one; made anew, it is, and by somebody else, it is refused."""
    name = collection(shared_block, "dropped")
    async with client_of(shared_block, "dropped") as ps:
        dropped = ps.vector("dropped")
        await dropped.upsert([record("a")])
        admin.drop_collection(name)
        with pytest.raises(PolystoreError):
            await dropped.with_options(timeout=2, consistency="strong").get("a")
        (load,) = await findings(ps, "load", "dropped")
        assert (load.severity, load.message) == ("error", f"the collection {name} is gone")
        (change,) = await ps.plan()
        assert "is gone" in change.summary
        await ps.apply()
        assert await dropped.count() == 0
        await dropped.upsert([record("a")])
        assert await dropped.count() == 1
    admin.drop_collection(name)
    with pytest.raises(SchemaMismatch):
        async with client_of(shared_block, "dropped", schema="check") as ps:
            await ps.vector("dropped").count()
    admin.create_collection(name, 16)
    with pytest.raises(SchemaMismatch, match="is not what polystore makes"):
        async with client_of(shared_block, "dropped", schema="check") as ps:
            await ps.vector("dropped").count()


async def test_an_index_that_somebody_else_made_is_refused(
    shared_block: dict[str, Any], admin: Any
) -> None:
    async with client_of(shared_block, "other") as ps:
        await ps.vector("other").upsert([record("a")])
    name = collection(shared_block, "other")
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
            async with client_of(shared_block, "other") as ps:
                await ps.vector("other").count()


async def test_an_index_that_the_server_refuses(shared_block: dict[str, Any]) -> None:
    bad = {"milvus": {"index_params": {"M": 5000}}}
    with pytest.raises(UnsupportedError, match="M out of range"):
        await client_of(shared_block, "refused", options=bad).__aenter__()
    async with client_of(shared_block, "refused") as ps:
        await ps.vector("refused").upsert([record("a")])


async def test_a_store_in_several_shards(shared_block: dict[str, Any], admin: Any) -> None:
    async with client_of(shared_block, "sharded", options={"milvus": {"shards": 3}}) as ps:
        sharded, ids = ps.vector("sharded"), [f"{n:04}" for n in range(1500)]
        await sharded.upsert_arrays(ids, matrix(1500))
        assert [r.id async for r in sharded.scan()] == ids
        assert await sharded.count() == 1500
        assert await sharded.delete(ids[::2]) == 750
        assert [r.id async for r in sharded.scan()] == ids[1::2]
        assert len(await sharded.search([1.0] * DIMENSIONS, k=750)) == 750
    assert admin.describe_collection(collection(shared_block, "sharded"))["num_shards"] == 3


async def test_what_cannot_be_is_refused(shared_block: dict[str, Any], admin: Any) -> None:
    with pytest.raises(UnsupportedError, match="quantization"):
        await client_of(shared_block, "never", index={"quantization": "half"}).__aenter__()
    with pytest.raises(ConfigError, match="shardz"):
        await client_of(shared_block, "never", options={"milvus": {"shardz": 2}}).__aenter__()
    assert not admin.has_collection(collection(shared_block, "never"))
    for capability in ("text_search", "transaction"):
        config = {
            "backends": {"main": shared_block},
            "stores": {"never": {"kind": "vector", "dimensions": 8}},
            "require": {"never": [capability]},
        }
        with pytest.raises(UnsupportedError, match=capability):
            await polystore.open(config, schema="auto").__aenter__()
