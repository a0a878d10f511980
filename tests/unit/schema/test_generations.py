"""Generations of vector stores: what the core decides, whatever the backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from pydantic import TypeAdapter, ValidationError

import polystore
from polystore import VectorRecord
from polystore.errors import SchemaMismatch, UnsupportedError
from polystore.schema.versions import decide
from polystore.specs import AnyStoreSpec, VectorSpec
from polystore.stored import Generation, StoredSpec, read_stored
from polystore_memory.backend import MemoryBackend
from polystore_memory.vector import MemoryVector

if TYPE_CHECKING:
    from collections.abc import Callable

    from polystore.types.batches import Stamp, VectorBatch
    from polystore.types.call import Call

    Config = Callable[..., dict[str, Any]]

SMALL = {"kind": "vector", "dimensions": 2, "embedding_model": "small"}
LARGE = {"kind": "vector", "dimensions": 2, "embedding_model": "large"}


@pytest.fixture
def config() -> Config:
    shared = f"generations {uuid4()}"

    def make(schema: str = "auto", **stores: Any) -> dict[str, Any]:
        main = {"use": "memory", "shared": shared, "schema": schema}
        return {"backends": {"main": main}, "stores": stores}

    return make


@pytest.mark.parametrize(
    ("source", "target", "mark", "action"),
    [
        (0, 0, 0, None),
        (5, 5, 5, None),
        (5, 5, 3, "note"),
        (5, 5, 0, "note"),
        (5, 0, 0, "carry"),
        (6, 5, 5, "carry"),
        (0, 5, 5, "delete"),
        (5, 7, 5, None),
        (5, 0, 5, None),
        (0, 7, 0, None),
        (0, 7, 5, None),
        (6, 7, 5, None),
        (8, 7, 5, "carry"),
        (6, 0, 5, "conflict"),
        (8, 7, 0, "carry"),
    ],
)
def test_what_is_done_with_a_record(
    source: int, target: int, mark: int, action: str | None
) -> None:
    assert decide(source, target, mark) == action


def test_a_catalogue_keeps_every_generation() -> None:
    old, new = VectorSpec(name="a", dimensions=2), VectorSpec(name="a", dimensions=3)
    stored = StoredSpec(old, 4, "code", (Generation(new, 5, "next"), Generation(old, 6, "marks")))
    document = stored.document()
    assert read_stored(document, 4, "code") == stored
    assert [one.generation for one in stored.every_generation()] == [4, 5, 6]
    assert [one.generation for one in stored.with_records()] == [4, 5]
    assert [one.spec.name for one in stored.named("b").every_generation()] == ["b"] * 3
    # A version that knows of no generations must not take this for a plain store.
    with pytest.raises(ValidationError):
        TypeAdapter(AnyStoreSpec).validate_python(document)
    assert "beside" not in stored.alone().document()


async def test_what_the_old_declaration_changes_leaves_the_next_generation(config: Config) -> None:
    async with (
        polystore.open(config(chunks=SMALL)) as old,
        polystore.open(config(chunks=LARGE), schema="off") as new,
    ):
        await old.vector("chunks").upsert([VectorRecord("a", [1, 0], "x", {"year": 1})])
        assert await new.generations("chunks").start() == 2
        async with polystore.open(config(chunks=SMALL | {"fields": {"year": "integer"}})) as grown:
            assert await grown.vector("chunks").count({"year": 1}) == 1
            assert [one.state for one in await new.generations("chunks").states()] == [
                "serving",
                "filling",
            ]
            assert (await new.generations("chunks").fill()).carried == 1


async def test_a_first_use_after_the_switch_mixes_nothing(config: Config) -> None:
    """A client that was opened before binds its stores when they are used."""
    async with polystore.open(config(chunks=SMALL)) as old:
        await old.vector("chunks").upsert([VectorRecord("a", [1, 0])])
        async with (
            polystore.open(config("check", chunks=SMALL)) as late,
            polystore.open(config(chunks=LARGE), schema="off") as new,
        ):
            generations = new.generations("chunks")
            await generations.start()
            await generations.fill()
            await generations.switch()
            with pytest.raises(SchemaMismatch, match="embedding_model") as refused:
                await late.vector("chunks").upsert([VectorRecord("b", [1, 0])])
            assert "generation 2 has served" in (refused.value.hint or "")
            assert await old.vector("chunks").count() == 1


async def test_another_declaration_meanwhile_is_in_the_way(config: Config) -> None:
    async with polystore.open(config(chunks=SMALL)) as old:
        with pytest.raises(SchemaMismatch, match="has what is declared"):
            await old.generations("chunks").start()
        async with polystore.open(config(chunks=LARGE), schema="off") as new:
            await new.generations("chunks").start()
        with pytest.raises(SchemaMismatch, match="not what is declared"):
            await old.generations("chunks").switch()
        third = config(chunks=SMALL | {"dimensions": 9})
        async with polystore.open(third, schema="off") as other:
            with pytest.raises(SchemaMismatch, match="another declaration"):
                await other.generations("chunks").start()


async def test_a_store_is_renamed_once(config: Config) -> None:
    renamed = SMALL | {"renamed_from": "chunks"}
    async with polystore.open(config(chunks=SMALL)) as ps:
        await ps.vector("chunks").upsert([VectorRecord("a", [1, 0])])
    for _ in range(2):
        async with polystore.open(config(passages=renamed)) as ps:
            assert await ps.vector("passages").count() == 1
    # A new store of the old name is another one.
    async with polystore.open(config(chunks=SMALL, passages=renamed)) as ps:
        assert await ps.vector("chunks").count() == 0
        assert await ps.vector("passages").count() == 1


async def test_a_renamed_store_may_change_at_the_same_time(config: Config) -> None:
    async with polystore.open(config(chunks=SMALL)) as ps:
        await ps.vector("chunks").upsert([VectorRecord("a", [1, 0], None, {"year": 1})])
    grown = SMALL | {"renamed_from": "chunks", "fields": {"year": "integer"}}
    async with polystore.open(config(passages=grown), schema="off") as ps:
        assert [change.action for change in await ps.apply()] == ["rename_store", "add_field"]
        assert await ps.vector("passages").count({"year": 1}) == 1


async def test_what_a_backend_cannot_do_is_refused(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryBackend, "removes", False)
    monkeypatch.setattr(MemoryBackend, "renames", False)
    async with polystore.open(config(chunks=SMALL)) as ps:
        await ps.vector("chunks").upsert([VectorRecord("a", [1, 0])])
    async with polystore.open(config(other={"kind": "kv"})) as ps:
        with pytest.raises(UnsupportedError, match="cannot drop"):
            await ps.destroy("chunks")
    with pytest.raises(SchemaMismatch) as refused:
        await polystore.open(config(passages=SMALL | {"renamed_from": "chunks"})).start()
    assert "Go on with chunks" in (refused.value.hint or "")


async def test_a_mark_that_was_lost_is_made_up_for(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off between a record and its mark, the next run notes what it finds equal."""
    async with (
        polystore.open(config(chunks=SMALL)) as old,
        polystore.open(config(chunks=LARGE), schema="off") as new,
    ):
        await old.vector("chunks").upsert([VectorRecord("a", [1, 0])])
        generations = new.generations("chunks")
        await generations.start()
        await generations.fill()
        await generations.switch()
        await old.vector("chunks").upsert([VectorRecord("b", [1, 0])])
        carried = MemoryVector.carry

        async def without_marks(
            self: MemoryVector,
            call: Call,
            batch: VectorBatch,
            stamps: list[Stamp],
            seen: list[int],
        ) -> list[bool]:
            if self.key(call).generation == 3:
                return [True] * len(seen)
            return await carried(self, call, batch, stamps, seen)

        with monkeypatch.context() as patch:
            patch.setattr(MemoryVector, "carry", without_marks)
            assert (await generations.fill()).carried == 1
        assert (await generations.fill()).carried == 0
        await old.vector("chunks").delete("b")
        assert (await generations.fill()).deleted == 1
        async with polystore.open(config(chunks=LARGE)) as after:
            assert await after.vector("chunks").count() == 1
