"""Changing stores that have data: online, resumable, with the same result as made anew."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import orjson
import pytest

from polystore.errors import ConfigError, PolystoreError, SchemaMismatch
from polystore.filters import F, Path
from polystore.specdiff import SpecChange, StoredSpec, compare_specs, spec_after
from polystore.specs import DocSpec, KVSpec
from polystore.types.batches import DocBatch
from polystore.types.call import Call
from polystore_postgres import online
from polystore_postgres.capabilities import AT_MOST
from polystore_postgres.doc import PostgresDoc

from .stores import create_store, opened_backend

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from polystore_postgres.backend import PostgresBackend

CALL = Call("main")
ROWS = 2500
BEFORE = DocSpec.model_validate({"name": "documents", "indexes": ["a"]})
AFTER = DocSpec.model_validate({"name": "documents", "indexes": ["a", ["b.c", "-a"], "-b.c"]})
SHAPE = """
SELECT format('%s %s %s', attname, format_type(atttypid, atttypmod), attnotnull)
  FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT replace(pg_get_indexdef(indexrelid), 'other', 'documents')
  FROM pg_index WHERE indrelid = $1::text::regclass
UNION ALL
SELECT replace(conname || pg_get_constraintdef(oid), 'other', 'documents')
  FROM pg_constraint WHERE conrelid = $1::text::regclass
 ORDER BY 1"""


@pytest.fixture
async def backend(postgres_dsn: str) -> AsyncGenerator[PostgresBackend]:
    async with opened_backend(postgres_dsn) as opened:
        yield opened


def documents(numbers: range) -> DocBatch:
    data: list[dict[str, Any]] = [{"a": n, "b": {"c": f"v{n % 7}"}} for n in numbers]
    return DocBatch([f"d{n:05}" for n in numbers], data, [orjson.dumps(item) for item in data])


async def filled(backend: PostgresBackend) -> PostgresDoc:
    driver = cast("PostgresDoc", await create_store(backend, BEFORE))
    for start in range(0, ROWS, 500):
        await driver.put_many(CALL, documents(range(start, start + 500)))
    return driver


async def change(
    backend: PostgresBackend, declared: DocSpec, *, interrupted: bool = False
) -> list[str]:
    """Bring the store to `declared` and return the actions that this took.

    Where another try was interrupted, nothing but the catalogue's row may be left to write.
    """
    now: Any = (await backend.catalogue())[declared.name].spec
    actions: list[str] = []
    for step in compare_specs(now, declared):
        now = spec_after(now, declared, step)
        stored = StoredSpec(now)
        assert interrupted or await backend.statements(stored, step)
        await backend.apply_change(stored, step)
        assert await backend.statements(stored, step) == ()
        actions.append(step.action)
    return actions


async def shape(backend: PostgresBackend, table: str) -> list[str]:
    return [row[0] for row in await backend.pool.fetch(SHAPE, f"polystore.{table}")]


async def test_a_field_is_added_to_what_is_there(backend: PostgresBackend) -> None:
    older = await filled(backend)
    assert await change(backend, AFTER) == ["add_index", "add_index"]
    stored = (await backend.catalogue())["documents"]
    assert stored.spec == AFTER
    driver = cast("PostgresDoc", await backend.bind(stored))
    counts = await driver.count_by(CALL, Path(("b", "c")), None)
    assert [count.value for count in counts] == [f"v{n}" for n in range(7)]
    assert sum(count.count for count in counts) == ROWS
    assert await driver.count_where(CALL, F("b.c") == "v3") == len(range(3, ROWS, 7))
    with pytest.raises(SchemaMismatch, match="k_b_c"):
        await older.put_many(CALL, documents(range(1)))
    await driver.put_many(CALL, documents(range(1)))
    assert await change(backend, AFTER) == []


async def test_a_changed_store_is_as_if_made_so(backend: PostgresBackend) -> None:
    await filled(backend)
    await change(backend, AFTER)
    await create_store(backend, AFTER.model_copy(update={"name": "other"}))
    changed, fresh = await shape(backend, "doc_documents"), await shape(backend, "doc_other")
    # Names of constraints that the server makes up hold the table's name.
    assert changed == fresh


async def test_readers_and_writers_go_on_meanwhile(backend: PostgresBackend) -> None:
    await filled(backend)
    newer = PostgresDoc(backend.pool, StoredSpec(AFTER), backend.names, AT_MOST["doc"])
    changing = asyncio.create_task(change(backend, AFTER))
    reads = 0
    while not changing.done():
        assert await newer.count(CALL) >= ROWS
        reads += 1
        await asyncio.sleep(0)
    await changing
    assert reads
    counts = await newer.count_by(CALL, Path(("b", "c")), None)
    assert sum(count.count for count in counts) == ROWS


async def test_an_interrupted_change_is_finished_by_the_next(
    backend: PostgresBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(backend)
    monkeypatch.setattr(online, "_ROWS", 100)
    for delay in (0.0, 0.01, 0.03, 0.06, 0.1):
        task = asyncio.create_task(change(backend, AFTER, interrupted=True))
        await asyncio.sleep(delay)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await change(backend, AFTER, interrupted=True)
    await create_store(backend, AFTER.model_copy(update={"name": "other"}))
    assert await shape(backend, "doc_documents") == await shape(backend, "doc_other")
    driver = cast("PostgresDoc", await backend.bind(StoredSpec(AFTER)))
    counts = await driver.count_by(CALL, Path(("b", "c")), None)
    assert sum(count.count for count in counts) == ROWS


async def test_an_invalid_index_is_told_and_replaced(backend: PostgresBackend) -> None:
    await filled(backend)
    stored = (await backend.catalogue())["documents"]
    await backend.pool.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = "
        "(SELECT oid FROM pg_class WHERE relname LIKE 'doc_documents_a_%')"
    )
    [finding] = [f for f in await backend.findings([stored]) if f.check == "index"]
    assert finding.severity == "error"
    assert "is invalid" in finding.message
    step = SpecChange("add_index", "again", ("a",))
    assert len(await backend.statements(stored, step)) == 1
    await backend.apply_change(stored, step)
    [finding] = [f for f in await backend.findings([stored]) if f.check == "index"]
    assert finding.severity == "ok"


async def test_a_missing_index_is_told_with_the_way_out(backend: PostgresBackend) -> None:
    await create_store(backend, KVSpec(name="cache"))
    stored = (await backend.catalogue())["cache"]
    [index] = [
        row[0]
        for row in await backend.pool.fetch(
            "SELECT relname FROM pg_class WHERE relname LIKE 'kv_cache_expires%'"
        )
    ]
    await backend.pool.execute(f"DROP INDEX polystore.{index}")
    [finding] = [f for f in await backend.findings([stored]) if f.check == "index"]
    assert "is missing" in finding.message
    assert finding.action is not None
    statement = finding.action.partition("or: ")[2]
    await backend.pool.execute(statement.replace("CONCURRENTLY ", ""))
    [finding] = [f for f in await backend.findings([stored]) if f.check == "index"]
    assert finding.severity == "ok"


async def test_creating_is_all_or_nothing(backend: PostgresBackend) -> None:
    await backend.pool.execute("CREATE TABLE polystore.doc_documents (x int)")
    with pytest.raises(SchemaMismatch, match="already exists"):
        await create_store(backend, BEFORE)
    assert await backend.catalogue() == {}


async def test_wrong_options_are_refused_before_anything_is_made(backend: PostgresBackend) -> None:
    spec = KVSpec(name="cache", options={"postgres": {"fillfactr": 90}})
    with pytest.raises(ConfigError, match="fillfactr"):
        await create_store(backend, spec)
    spec = KVSpec(name="cache", options={"postgres": {"fillfactor": 70}})
    await create_store(backend, spec)
    options = await backend.pool.fetchval(
        "SELECT reloptions FROM pg_class WHERE oid = 'polystore.kv_cache'::regclass"
    )
    assert options == ["fillfactor=70"]


async def test_a_refused_change_is_never_applied(backend: PostgresBackend) -> None:
    stored = StoredSpec(BEFORE)
    with pytest.raises(PolystoreError):
        await backend.apply_change(stored, SpecChange("refused", "no", reason="because"))
    assert await backend.catalogue() == {}


async def test_a_connection_whose_begin_was_cut_off_is_whole_again(postgres_dsn: str) -> None:
    async with opened_backend(postgres_dsn, pool={"max": 1}) as backend:
        for turns in range(30):

            async def begin() -> None:
                async with backend.pool.acquire() as connection, connection.transaction():
                    await connection.execute("SELECT pg_sleep(0.002)")

            task = asyncio.create_task(begin())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await begin()
