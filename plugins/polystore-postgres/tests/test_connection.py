"""The pool: limits, cancellation, hygiene, settings, start-up, and what its errors say."""

from __future__ import annotations

import asyncio
import random
import secrets
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from polystore.errors import (
    Closed,
    Conflict,
    ConnectionFailed,
    InvalidRecord,
    LimitExceeded,
    OperationTimeout,
    OutcomeUnknown,
    PolystoreError,
    SchemaMismatch,
    WrongLoop,
)
from polystore_postgres.codecs import encode_matrix
from polystore_postgres.ledger import ensure_vector

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from polystore_postgres.pool import Pool

    OpenPool = Callable[..., AbstractAsyncContextManager[Pool]]

QUICK = {"retries": 0, "timeout": 5}


async def test_exhaustion_says_so(open_pool: OpenPool) -> None:
    async with open_pool(pool={"min": 0, "max": 2, "acquire_timeout": 0.05}) as pool:
        async with pool.acquire(), pool.acquire():
            with pytest.raises(OperationTimeout, match="all 2 are in use and 0 other") as caught:
                await pool.fetchval("SELECT 1")
            assert "pool.max" in str(caught.value)
            assert pool.stats().in_use == 2
        assert await pool.fetchval("SELECT 1") == 1
        assert pool.stats().waiting == 0


async def test_never_more_than_max_and_all_served(pool: Pool) -> None:
    sizes: list[int] = []

    async def one(number: int) -> int:
        async with pool.acquire() as connection:
            sizes.append(pool.stats().size)
            return await connection.fetchval("SELECT $1::int FROM pg_sleep(0.001)", number)

    assert await asyncio.gather(*(one(n) for n in range(100))) == list(range(100))
    assert max(sizes) == 4


async def test_many_random_cancellations_leave_the_pool_healthy(pool: Pool) -> None:
    await pool.execute("CREATE TABLE t (batch int, n int)")
    chance = random.Random(7)  # noqa: S311  no secret
    insert = "INSERT INTO t SELECT $1, n FROM generate_series(1, 500) n, pg_sleep($2)"

    async def write(batch: int) -> None:
        await pool.fetch(insert, batch, 0.0)

    async def unit(batch: int) -> None:
        async with pool.transaction() as session:
            await pool.fetch(insert, batch, 0.0, session=session)
            await pool.fetch("SELECT pg_sleep(0.002)", session=session)

    async def settings(batch: int) -> None:
        wanted = {"work_mem": f"{batch + 100}kB"}
        async with pool.acquire(settings=wanted) as connection:
            assert await connection.fetchval("SHOW work_mem") == wanted["work_mem"]
            await connection.fetchval("SELECT pg_sleep(0.001)")

    for number in range(40):
        tasks = [
            asyncio.ensure_future(work(number * 10 + index))
            for index, work in enumerate((write, unit, settings) * 3)
        ]
        for task in tasks:
            await asyncio.sleep(chance.random() * 0.002)
            if chance.random() < 0.7:
                task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert result is None or isinstance(result, asyncio.CancelledError), repr(result)
    counts = {row["count"] for row in await pool.fetch("SELECT count(*) FROM t GROUP BY batch")}
    assert counts <= {500}
    assert (
        await asyncio.gather(*(pool.fetchval("SHOW work_mem") for _ in range(20))) == ["4MB"] * 20
    )
    async with pool.acquire(), pool.acquire(), pool.acquire(), pool.acquire():
        assert pool.stats().in_use == pool.stats().size == 4
    assert pool.stats().in_use == 0


async def test_cancelled_waiters_lose_no_connection(open_pool: OpenPool) -> None:
    async with open_pool(pool={"min": 1, "max": 1}) as pool:
        for _ in range(50):
            async with pool.acquire():
                waiters = [asyncio.ensure_future(pool.fetchval("SELECT 1")) for _ in range(5)]
                await asyncio.sleep(0)
            for waiter in waiters[:-1]:
                waiter.cancel()
            await asyncio.gather(*waiters, return_exceptions=True)
            assert waiters[-1].result() == 1
        assert pool.stats().size == 1


async def test_left_in_a_transaction(open_pool: OpenPool) -> None:
    async with open_pool(pool={"min": 1, "max": 1}) as pool:
        async with pool.acquire() as connection:
            await connection.execute("BEGIN; CREATE TABLE t (x int); SET LOCAL work_mem = '1MB'")
        assert await pool.fetchval("SELECT to_regclass('t')") is None
        with pytest.raises(PolystoreError, match="division by zero"):
            await begin_and_fail(pool)
        assert await pool.fetchval("SHOW work_mem") == "4MB"
        assert pool.stats().size == 1


async def begin_and_fail(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await connection.execute("BEGIN")
        await connection.fetchval("SELECT 1/0")


async def test_raw_use_is_reset(open_pool: OpenPool) -> None:
    async with open_pool(pool={"min": 1, "max": 1}) as pool:
        async with pool.acquire(raw=True) as connection:
            await connection.execute("SET work_mem = '1MB'; SET search_path = pg_catalog")
            await connection.execute("SELECT pg_advisory_lock(5); LISTEN news")
            pid = connection.get_server_pid()
        assert await pool.fetchval("SHOW work_mem") == "4MB"
        assert "public" in await pool.fetchval("SHOW search_path")
        locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        assert await pool.fetchval(locks) == 0
        assert await pool.fetchval("SELECT count(*) FROM pg_listening_channels()") == 0
        assert await pool.fetchval("SELECT pg_backend_pid()") == pid


async def test_settings_are_sent_when_they_differ_and_never_leak(open_pool: OpenPool) -> None:
    async with open_pool(pool={"min": 1, "max": 1}) as pool:
        sent: list[str] = []
        async with pool.acquire() as connection:
            connection.add_query_logger(lambda record: sent.append(record.query))

        async def changes() -> int:
            count = sum("set_config" in query for query in sent)
            sent.clear()
            return count

        high = {"hnsw.ef_search": "80"}
        show = "SELECT current_setting('hnsw.ef_search', true)"
        assert await pool.fetchval(show, settings=high) == "80"
        assert await pool.fetchval(show, settings=dict(high)) == "80"
        assert await changes() == 1
        assert await pool.fetchval("SELECT 1") == 1  # means nothing to others: it stays
        assert await pool.fetchval(show, settings=high) == "80"
        assert await changes() == 0
        assert await pool.fetchval(show, settings={}) in ("", None)
        assert await changes() == 1
        off = {"enable_seqscan": "off"}
        assert await pool.fetchval("SHOW enable_seqscan", settings=off) == "off"
        assert await pool.fetchval("SHOW enable_seqscan") == "on"
        assert await changes() == 2
        with pytest.raises(PolystoreError):
            await pool.fetchval("SELECT 1", settings={"work_mem": "nonsense"})
        assert await pool.fetchval("SHOW work_mem") == "4MB"


async def test_settings_in_a_session_end_with_it(open_pool: OpenPool) -> None:
    async with open_pool(pool={"min": 1, "max": 1}) as pool:
        async with pool.transaction() as session:
            wanted = {"work_mem": "1MB"}
            assert await pool.fetchval("SHOW work_mem", session=session, settings=wanted) == "1MB"
        assert await pool.fetchval("SHOW work_mem") == "4MB"


async def test_transactions(pool: Pool) -> None:
    await pool.execute("CREATE TABLE t (x int PRIMARY KEY)")
    async with pool.transaction() as session:
        await pool.execute("INSERT INTO t VALUES (1)", session=session)
        assert await pool.fetchval("SELECT count(*) FROM t", session=session) == 1
        assert await pool.fetchval("SELECT count(*) FROM t") == 0
    assert await pool.fetchval("SELECT count(*) FROM t") == 1
    with pytest.raises(Closed):
        await pool.fetchval("SELECT 1", session=session)
    with pytest.raises(KeyError):
        await fail_after(pool, "INSERT INTO t VALUES (2)", KeyError())
    assert await pool.fetchval("SELECT count(*) FROM t") == 1


async def fail_after(pool: Pool, sql: str, error: Exception | None) -> None:
    async with pool.transaction() as session:
        await pool.execute(sql, session=session)
        if error is not None:
            raise error


async def test_a_failed_statement_in_a_unit_is_never_a_silent_commit(pool: Pool) -> None:
    async def work() -> None:
        async with pool.transaction() as session:
            await pool.execute("CREATE TABLE t (x int)", session=session)
            with pytest.raises(InvalidRecord):
                await pool.fetchval("SELECT 1/0", session=session)
            with pytest.raises(Conflict, match="aborted"):
                await pool.fetchval("SELECT 1", session=session)

    with pytest.raises(Conflict, match="nothing of it was kept"):
        await work()
    assert await pool.fetchval("SELECT to_regclass('t')") is None


async def test_concurrent_calls_in_one_session_take_turns(pool: Pool) -> None:
    async with pool.transaction() as session:
        calls = (pool.fetchval("SELECT $1::int", n, session=session) for n in range(30))
        assert await asyncio.gather(*calls) == list(range(30))
        async with pool.acquire(session):
            with pytest.raises(PolystoreError, match="twice by one task"):
                await pool.fetchval("SELECT 1", session=session)


async def test_a_session_of_another_pool(pool: Pool, open_pool: OpenPool) -> None:
    async with open_pool() as other, other.transaction() as session:
        with pytest.raises(PolystoreError, match="another backend"):
            await pool.fetchval("SELECT 1", session=session)


async def test_serialization_failures_and_deadlocks_are_retryable(pool: Pool) -> None:
    await pool.execute("CREATE TABLE t (x int); INSERT INTO t VALUES (0)")
    with pytest.raises(Conflict) as caught:
        await overtaken(pool)
    assert caught.value.retryable


async def overtaken(pool: Pool) -> None:
    async with pool.transaction(isolation="repeatable read") as session:
        await pool.fetchval("SELECT x FROM t", session=session)
        await pool.execute("UPDATE t SET x = x + 1")
        await pool.execute("UPDATE t SET x = x + 1", session=session)


async def test_a_lost_connection(pool: Pool) -> None:
    kill = "SELECT pg_terminate_backend($1)"

    async def lose(*, idempotent: bool) -> None:
        async with pool.acquire(idempotent=idempotent) as connection:
            pid = connection.get_server_pid()
            asyncio.get_running_loop().call_later(
                0.05, lambda: asyncio.ensure_future(pool.fetch(kill, pid))
            )
            await connection.fetchval("SELECT pg_sleep(20)")

    with pytest.raises(ConnectionFailed) as caught:
        await lose(idempotent=True)
    assert caught.value.retryable
    with pytest.raises(OutcomeUnknown):
        await lose(idempotent=False)
    assert await pool.fetchval("SELECT 1") == 1


async def test_a_client_side_timeout_of_what_cannot_be_repeated(pool: Pool) -> None:
    with pytest.raises(OperationTimeout):
        await pool.fetchval("SELECT pg_sleep(20)", timeout=0.05)
    with pytest.raises(OutcomeUnknown):
        await pool.fetchval("SELECT pg_sleep(20)", timeout=0.05, idempotent=False)
    assert await pool.fetchval("SELECT 1") == 1


async def test_connections_that_died_idle_are_replaced(pool: Pool) -> None:
    async with pool.acquire() as first, pool.acquire() as second:
        pids = [first.get_server_pid(), second.get_server_pid()]
    for pid in pids:
        async with pool.acquire() as connection:
            if connection.get_server_pid() != pid:
                await connection.fetch("SELECT pg_terminate_backend($1)", pid)
                break
    await asyncio.sleep(0.1)
    assert await asyncio.gather(*(pool.fetchval("SELECT 1") for _ in range(20))) == [1] * 20


async def test_translation_of_errors(pool: Pool) -> None:
    cases: list[tuple[str, tuple[Any, ...], type[PolystoreError], str]] = [
        ("SELECT * FROM missing", (), SchemaMismatch, "polystore apply"),
        ("SELECT missing", (), SchemaMismatch, "polystore apply"),
        ("SELECT $1::int", ("x",), InvalidRecord, "x"),
    ]
    for sql, arguments, kind, text in cases:
        with pytest.raises(kind, match=text) as caught:
            await pool.fetch(sql, *arguments)
        assert caught.value.backend == "main"
        assert caught.value.__cause__ is not None
    await pool.execute("CREATE TABLE t (x text PRIMARY KEY, y text)")
    await pool.execute("INSERT INTO t VALUES ('a')")
    with pytest.raises(Conflict, match="duplicate key") as conflict:
        await pool.execute("INSERT INTO t VALUES ('a', 'secret value')")
    assert "secret value" not in str(conflict.value)
    noise = secrets.token_hex(10_000)
    with pytest.raises(LimitExceeded, match="index row"):
        await pool.execute("INSERT INTO t VALUES ($1)", noise)
    async with pool.transaction() as session:
        await pool.execute("LOCK t", session=session)
        with pytest.raises(OperationTimeout, match="lock timeout"):
            await pool.fetch("SELECT * FROM t", settings={"lock_timeout": "10"})
    with pytest.raises(OperationTimeout, match="statement timeout"):
        await pool.fetch("SELECT pg_sleep(9)", settings={"statement_timeout": "10"})


async def test_codecs(pool: Pool) -> None:
    async with pool.admin() as connection:
        await ensure_vector(connection)
    await pool.refresh()
    assert await pool.fetchval("SELECT $1::jsonb", b'{"a": [1, 2.5, null]}') == {
        "a": [1, 2.5, None]
    }
    matrix = np.random.default_rng(3).standard_normal((50, 17)).astype(np.float32)
    for kind, half in (("vector", False), ("halfvec", True)):
        sql = f"SELECT v, v::text AS t FROM unnest($1::{kind}[]) WITH ORDINALITY u(v, o) ORDER BY o"
        rows = await pool.fetch(sql, encode_matrix(matrix, half=half))
        expected = matrix.astype(np.float16).astype(np.float32) if half else matrix
        assert all(row["v"].dtype == np.float32 for row in rows)
        assert (np.array([row["v"] for row in rows]) == expected).all()
        texts = np.array([row["t"][1:-1].split(",") for row in rows], dtype=np.float32)
        assert np.allclose(texts, expected, rtol=1e-2 if half else 1e-5, atol=1e-6)
        assert ((await pool.fetchval(f"SELECT $1::{kind}", matrix[0])) == expected[0]).all()


async def test_close_while_in_use_and_use_after_close(open_pool: OpenPool) -> None:
    async with open_pool(pool={"min": 1, "max": 1}) as pool:
        busy = asyncio.ensure_future(pool.fetchval("SELECT pg_sleep(30)"))
        waiting = asyncio.ensure_future(pool.fetchval("SELECT 1"))
        await asyncio.sleep(0.05)
        await pool.close(timeout=0.1)
        results = await asyncio.gather(busy, waiting, return_exceptions=True)
        assert isinstance(results[0], ConnectionFailed), results
        assert isinstance(results[1], Closed)
        with pytest.raises(Closed):
            await pool.fetchval("SELECT 1")
        assert pool.stats().size == 0


async def test_another_event_loop(pool: Pool) -> None:
    caught: list[BaseException] = []

    def other() -> None:
        try:
            asyncio.run(pool.fetchval("SELECT 1"))
        except PolystoreError as error:
            caught.append(error)

    await asyncio.to_thread(other)
    assert [type(error) for error in caught] == [WrongLoop]


async def test_idle_connections_go_away_down_to_the_minimum(open_pool: OpenPool) -> None:
    async with open_pool(pool={"min": 1, "max": 5, "idle_timeout": 0.2}) as pool:
        await asyncio.gather(*(pool.fetchval("SELECT pg_sleep(0.05)") for _ in range(5)))
        assert pool.stats().created == 5  # on a busy machine one may have gone already
        for _ in range(500):
            if pool.stats().size == 1:
                break
            await asyncio.sleep(0.02)
        assert pool.stats().size == 1
        await asyncio.sleep(0.3)
        assert pool.stats().size == 1
        assert await pool.fetchval("SELECT 1") == 1
