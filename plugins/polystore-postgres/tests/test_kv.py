"""Key-value stores on a real server: what the portable kit cannot see."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from polystore.specs import KVSpec
from polystore.types.batches import KVBatch
from polystore.types.call import Call
from polystore.types.json_domain import decode_json, encode_json
from polystore_postgres import kv as module
from polystore_postgres.exact_json import exact_json

from .stores import create_store, opened_backend

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from polystore_postgres.backend import PostgresBackend
    from polystore_postgres.kv import PostgresKV

CALL = Call("main")
TABLE = "polystore.kv_cache"


@pytest.fixture
async def backend(postgres_dsn: str) -> AsyncGenerator[PostgresBackend]:
    async with opened_backend(postgres_dsn, pool={"max": 8}) as opened:
        yield opened


@pytest.fixture
async def kv(backend: PostgresBackend) -> PostgresKV:
    return cast("PostgresKV", await create_store(backend, KVSpec(name="cache")))


def batch_of(keys: list[str], ttl: float | None = None, value: object = 1) -> KVBatch:
    texts = [orjson.dumps(value)] * len(keys)
    ttls: list[float | None] = [ttl for _ in keys]
    return KVBatch(keys, texts, [False] * len(keys), None if ttl is None else ttls)


async def expire(backend: PostgresBackend, *keys: str) -> None:
    await backend.pool.execute(
        f"UPDATE {TABLE} SET expires_at = clock_timestamp() - interval '1 h' WHERE key = ANY($1)",
        list(keys),
    )


async def rows(backend: PostgresBackend) -> int:
    return await backend.pool.fetchval(f"SELECT count(*) FROM {TABLE}")


async def test_an_expired_row_is_absent_everywhere(
    backend: PostgresBackend, kv: PostgresKV
) -> None:
    await kv.put_many(CALL, batch_of(["a", "b"], 100.0))
    [old, _] = await kv.get_many(CALL, ["a", "b"])
    assert old is not None
    await expire(backend, "a")
    assert [entry and entry.key for entry in await kv.get_many(CALL, ["a", "b"])] == [None, "b"]
    assert await kv.get_many(CALL, ["a"]) == [None]
    assert await kv.missing(CALL, ["a", "b"]) == ["a"]
    assert await kv.count(CALL) == 1
    assert [entry.key for entry in (await kv.scan_page(CALL, "", None, 10)).items] == ["b"]
    assert await kv.compare_and_set(CALL, batch_of(["a"]), old.version) is None
    assert await kv.delete_many(CALL, ["a", "b"]) == 1
    assert await rows(backend) == 0


async def test_an_expired_workspace_is_none(backend: PostgresBackend, kv: PostgresKV) -> None:
    await kv.put_many(Call("gone"), batch_of(["a"], 100.0))
    await kv.put_many(Call("here"), batch_of(["b"]))
    assert await backend.workspaces() == ["gone", "here"]
    await expire(backend, "a")
    assert await backend.workspaces() == ["here"]
    assert await kv.clear(Call("gone")) == 0
    assert await rows(backend) == 1


async def test_created_at_begins_anew_after_expiry(
    backend: PostgresBackend, kv: PostgresKV
) -> None:
    await kv.put_many(CALL, batch_of(["live", "dead", "raced"], 100.0))
    before = await kv.get_many(CALL, ["live", "dead", "raced"])
    await expire(backend, "dead", "raced")
    await kv.put_many(CALL, batch_of(["live", "dead"]))
    assert await kv.compare_and_set(CALL, batch_of(["raced"]), 0) is not None
    after = await kv.get_many(CALL, ["live", "dead", "raced"])
    for old, new, kept in zip(before, after, (True, False, False), strict=True):
        assert old is not None
        assert new is not None
        assert (old.created_at == new.created_at) is kept
        assert new.version > old.version
        assert new.expires_at is None


async def test_what_expired_is_swept_by_later_puts(
    backend: PostgresBackend, kv: PostgresKV, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SWEEP_ROWS", 10)
    monkeypatch.setattr(module, "_SWEEP_EVERY", 0.0)
    keys = [f"k{n:02}" for n in range(25)]
    await kv.put_many(CALL, batch_of(keys, 100.0))
    await expire(backend, *keys)
    await kv.put_many(CALL, batch_of(["plain"]))
    assert await rows(backend) == 26
    for left in (17, 8, 4):
        await kv.put_many(CALL, batch_of([f"new{left}"], 100.0))
        assert await rows(backend) == left
    async with backend.transaction() as session:
        await kv.put_many(Call("main", session), batch_of(["in a unit"], 100.0))


async def test_a_ttl_past_the_end_of_the_calendar(kv: PostgresKV) -> None:
    await kv.put_many(CALL, batch_of(["a"], 1e300))
    [entry] = await kv.get_many(CALL, ["a"])
    assert entry is not None
    assert entry.expires_at is not None
    assert entry.expires_at.year > 8000


async def test_concurrent_batches_in_any_order_never_deadlock(kv: PostgresKV) -> None:
    keys = [f"k{n:03}" for n in range(300)]
    for _ in range(5):
        await asyncio.gather(
            kv.put_many(CALL, batch_of(keys)),
            kv.put_many(CALL, batch_of(keys[::-1])),
            kv.delete_many(CALL, keys[::-1]),
            kv.put_many(CALL, batch_of(keys[::-1])),
            kv.delete_many(CALL, keys),
        )


async def test_a_cancelled_batch_is_whole_or_not_at_all(
    backend: PostgresBackend, kv: PostgresKV
) -> None:
    keys = [f"k{n:04}" for n in range(1000)]
    for delay in (0.0, 0.001, 0.003, 0.006, 0.01, 0.02):
        await kv.clear(CALL)
        task = asyncio.create_task(kv.put_many(CALL, batch_of(keys)))
        await asyncio.sleep(delay)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        # On another connection; the server may still be busy with what was cancelled.
        assert await kv.count(CALL) in (0, 1000)
    assert await backend.pool.fetchval("SELECT 1") == 1


async def test_a_unit_reads_its_own_writes_and_nobody_else_does(
    backend: PostgresBackend, kv: PostgresKV
) -> None:
    async def fail_after_writing() -> None:
        async with backend.transaction() as session:
            inside = Call("main", session)
            await asyncio.gather(*(kv.put_many(inside, batch_of([f"k{n}"])) for n in range(5)))
            assert await kv.count(inside) == 5
            assert await kv.count(CALL) == 0
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_after_writing()
    assert await kv.count(CALL) == 0
    async with backend.transaction() as session:
        await kv.put_many(Call("main", session), batch_of(["a"]))
    assert await kv.count(CALL) == 1


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63 - 1))
@example(2.0**60)
@example(1e16)
@example(-(2.0**63))
@example(2.0**63)
@example(1.2345678901234568e17)
def test_digits_are_the_exact_number(number: float) -> None:
    text = exact_json(encode_json({"x": number, "text": "1e+17"}))
    value = decode_json(text)
    assert value == {"x": number, "text": "1e+17"}
    if -(2**63) <= number < 2**63 and number == int(number):
        # jsonb takes the digits as they stand; so do the digits of Python's integers.
        digits = text.split(b'"x":')[1].split(b",")[0].split(b"}")[0]
        assert int(float(digits) if b"e" in digits or b"." in digits else digits) == number
        assert b"e" not in digits


async def test_numbers_come_back_as_they_were(kv: PostgresKV) -> None:
    numbers = [2.0**60, 1e16, -(2.0**63), 2.0**63, 1e17 + 16, 1e300, 5e-324, 2**63 - 1, 0.1]
    await kv.put_many(CALL, batch_of(["n"], value=numbers))
    [entry] = await kv.get_many(CALL, ["n"])
    assert entry is not None
    assert entry.value == numbers
