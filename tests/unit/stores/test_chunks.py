"""Splitting of batches, and what is said when only a part of one was stored."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

import polystore
from polystore.capabilities import Capabilities, Feature, Limits
from polystore.errors import (
    ConnectionFailed,
    InvalidRecord,
    OutcomeUnknown,
    PartialWrite,
    UnsupportedError,
)
from polystore.specs import KVSpec
from polystore.stores.bound import BoundStore
from polystore.stores.columns import last_positions, split
from polystore.stores.gate import Gate
from polystore.stores.kv import KVStore
from polystore.stores.kv_driver import KVDriver
from polystore.types.call import Call
from polystore.types.records import KVEntry, Page

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from polystore.types.batches import KVBatch


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(1, 10), st.integers(1, 100))
def test_split_covers_every_row_once_within_the_bounds(
    sizes: list[int], rows: int, size: int
) -> None:
    ranges = split(sizes, rows=rows, size=size)
    assert [row for part in ranges for row in part] == list(range(len(sizes)))
    for part in ranges:
        assert 1 <= len(part) <= rows
        assert len(part) == 1 or sum(sizes[row] for row in part) <= size


@given(st.lists(st.sampled_from("abcd"), max_size=12))
def test_of_equal_keys_the_last_wins(keys: list[str]) -> None:
    kept = last_positions(keys)
    expected = sorted({key: place for place, key in enumerate(keys)}.values())
    assert (kept or list(range(len(keys)))) == expected
    assert (kept is None) == (len(set(keys)) == len(keys))


class FailingKV(KVDriver):
    """Stores in a dict, and fails at the chunk that it is told to."""

    def __init__(self, error: Exception | None, at: int) -> None:
        self.capabilities = Capabilities(
            limits=Limits(batch_rows=3, batch_bytes=1000, atomic_batch=3)
        )
        self.error = error
        self.at = at
        self.chunks: list[list[str]] = []
        self.fails_on: str | None = None

    @override
    async def put_many(self, call: Call, batch: KVBatch) -> None:
        if self.error is not None and len(self.chunks) == self.at:
            raise self.error
        self.chunks.append(batch.keys)

    @override
    async def get_many(self, call: Call, keys: list[str]) -> list[KVEntry | None]:
        self.chunks.append(keys)
        return [KVEntry(key, key) for key in keys]

    @override
    async def compare_and_set(self, call: Call, row: KVBatch, version: int) -> int | None:
        return None

    @override
    async def delete_many(self, call: Call, keys: list[str]) -> int:
        if self.fails_on in keys:
            raise InvalidRecord("a poisoned key")
        self.chunks.append(keys)
        return len(keys)

    @override
    async def scan_page(
        self, call: Call, prefix: str, cursor: str | None, limit: int
    ) -> Page[KVEntry]:
        return Page([])

    @override
    async def count(self, call: Call) -> int:
        return 0

    @override
    async def clear(self, call: Call) -> int:
        return 0


def store_on(
    driver: FailingKV,
    sessions: list[str] | None = None,
    *,
    commits: Iterator[Exception | None] | None = None,
) -> KVStore:
    told = [] if sessions is None else sessions
    fates = repeat(None) if commits is None else commits

    async def prepare() -> FailingKV:
        return driver

    @asynccontextmanager
    async def transaction() -> AsyncGenerator[object]:
        told.append("begun")
        try:
            yield object()
        except BaseException:
            told.append("rolled back")
            raise
        lost = next(fates)
        if lost is not None:
            raise lost
        told.append("committed")

    gate = Gate("main", timeout=5, retries=1, in_flight=4)
    bound: BoundStore[Any] = BoundStore(
        KVSpec(name="cache"), gate, prepare=prepare, transaction=transaction
    )
    return KVStore(bound, Call("w"))


def items(count: int) -> list[tuple[str, Any]]:
    return [(f"k{n}", n) for n in range(count)]


async def test_a_large_batch_goes_in_chunks() -> None:
    driver = FailingKV(None, 0)
    await store_on(driver).put_many(items(8))
    assert [len(chunk) for chunk in driver.chunks] == [3, 3, 2]


class SlowKV(FailingKV):
    """Takes a turn of the loop for each chunk, and counts how many are under way."""

    def __init__(self, errors: dict[str, Exception] | None = None) -> None:
        super().__init__(None, 0)
        self.errors = errors or {}
        self.under_way = 0
        self.most = 0
        self.cancelled = 0

    @override
    async def put_many(self, call: Call, batch: KVBatch) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.under_way -= 1
        for key in batch.keys:
            if key in self.errors:
                raise self.errors[key]
        self.chunks.append(batch.keys)


@pytest.mark.parametrize(("parallel", "most"), [(1, 1), (2, 2), (3, 3), (50, 4)])
async def test_chunks_are_written_side_by_side_where_asked(parallel: int, most: int) -> None:
    driver = SlowKV()
    await store_on(driver).put_many(items(20), parallel=parallel)
    assert driver.most == most  # the gate lets four in
    assert sorted(key for chunk in driver.chunks for key in chunk) == sorted(dict(items(20)))


async def test_after_a_failure_no_further_chunk_is_begun_and_each_row_is_told() -> None:
    driver = SlowKV({"k4": InvalidRecord("no"), "k1": ConnectionFailed("cut", retryable=False)})
    with pytest.raises(PartialWrite) as caught:
        await store_on(driver).put_many(items(14), parallel=3)
    error = caught.value
    assert error.done == [6, 7, 8]
    assert error.unknown == [0, 1, 2]
    assert error.failed == [3, 4, 5, 9, 10, 11, 12, 13]
    assert driver.under_way == 0


async def test_who_cancels_a_write_cancels_every_part_of_it() -> None:
    driver = SlowKV()
    task = asyncio.create_task(store_on(driver).put_many(items(20), parallel=3))
    await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (driver.under_way, driver.cancelled) == (0, 3)


async def test_a_bug_in_one_part_ends_the_others() -> None:
    driver = SlowKV({"k0": KeyError("a bug")})
    with pytest.raises(KeyError):
        await store_on(driver).put_many(items(20), parallel=3)
    assert driver.under_way == 0


async def test_how_many_at_once_has_to_be_a_number() -> None:
    with pytest.raises(InvalidRecord, match="parallel"):
        await store_on(SlowKV()).put_many(items(4), parallel=0)


async def test_nothing_to_do_asks_nobody() -> None:
    driver = FailingKV(None, 0)
    await store_on(driver).put_many([])
    assert await store_on(driver).get_many([]) == []
    assert await store_on(driver).delete_many([]) == 0
    assert driver.chunks == []


async def test_a_failed_chunk_after_others_says_what_is_stored() -> None:
    with pytest.raises(PartialWrite) as caught:
        await store_on(FailingKV(InvalidRecord("no"), 1)).put_many(items(8))
    error = caught.value
    assert (error.done, error.failed, error.unknown) == ([0, 1, 2], [3, 4, 5, 6, 7], [])
    assert isinstance(error.__cause__, InvalidRecord)


async def test_a_chunk_that_was_cut_off_is_unknown() -> None:
    with pytest.raises(PartialWrite) as caught:
        await store_on(FailingKV(ConnectionFailed("cut"), 2)).put_many(items(8))
    assert list(caught.value.done) == [0, 1, 2, 3, 4, 5]
    assert list(caught.value.unknown) == [6, 7]
    assert list(caught.value.failed) == []


async def test_positions_are_the_callers_even_with_duplicates() -> None:
    pairs = [*items(4), ("k0", "again")]
    with pytest.raises(PartialWrite) as caught:
        await store_on(FailingKV(InvalidRecord("no"), 1)).put_many(pairs)
    assert list(caught.value.done) == [1, 2, 3]
    assert list(caught.value.failed) == [4]


async def test_a_single_chunk_fails_as_itself() -> None:
    with pytest.raises(InvalidRecord, match="no"):
        await store_on(FailingKV(InvalidRecord("no"), 0)).put_many(items(3))


async def test_atomic_beyond_the_backends_means_is_refused_before_anything_is_written() -> None:
    driver = FailingKV(None, 0)
    with pytest.raises(UnsupportedError, match="atomic_any_size"):
        await store_on(driver).put_many(items(8), atomic=True)
    assert driver.chunks == []
    await store_on(driver).put_many(items(3), atomic=True)


async def test_reads_ask_for_each_key_once_and_answer_in_order() -> None:
    driver = FailingKV(None, 0)
    keys = ["a", "b", "a", "c", "d", "b"]
    assert await store_on(driver).get_many(keys) == keys
    assert driver.chunks == [["a", "b", "c"], ["d"]]


async def test_everything_is_checked_before_anything_is_sent() -> None:
    driver = FailingKV(None, 0)
    with pytest.raises(InvalidRecord, match="k9"):
        await store_on(driver).put_many([*items(5), ("k9", float("nan"))])
    with pytest.raises(InvalidRecord, match="empty"):
        await store_on(driver).put_many([("a", 1), ("", 1)])
    with pytest.raises(polystore.PolystoreError, match="512"):
        await store_on(driver).get_many(["a", "b" * 513])
    assert driver.chunks == []


async def test_atomic_holds_for_one_message_that_the_engine_takes_in_parts() -> None:
    driver = FailingKV(None, 0)
    driver.capabilities = Capabilities(limits=Limits(batch_rows=100, atomic_batch=2))
    with pytest.raises(UnsupportedError, match="atomic_any_size"):
        await store_on(driver).put_many(items(3), atomic=True)
    assert driver.chunks == []
    await store_on(driver).put_many(items(2), atomic=True)
    await store_on(driver).put_many(items(3))
    assert [len(chunk) for chunk in driver.chunks] == [2, 3]


async def test_few_but_large_rows_are_all_or_nothing_too() -> None:
    driver = FailingKV(InvalidRecord("odd"), 1)
    limits = Limits(batch_rows=100, batch_bytes=10, atomic_batch=100)
    driver.capabilities = Capabilities(frozenset({Feature.ATOMIC_ANY_SIZE}), limits)
    sessions: list[str] = []
    with pytest.raises(InvalidRecord, match="odd"):
        await store_on(driver, sessions).put_many([("a", "x" * 9), ("b", "x" * 9)])
    assert sessions == ["begun", "rolled back"]
    driver.error = None
    await store_on(driver, sessions).put_many([("a", "x" * 9), ("b", "x" * 9)])
    assert sessions[2:] == ["begun", "committed"]


async def test_what_was_not_deleted_is_told_by_the_callers_positions() -> None:
    driver = FailingKV(None, 0)
    driver.fails_on = "e"
    keys = ["a", "a", "b", "c", "b", "d", "e"]
    with pytest.raises(PartialWrite) as caught:
        await store_on(driver).delete_many(keys)
    assert [keys[position] for position in caught.value.done] == ["a", "b", "c"]
    assert [keys[position] for position in caught.value.failed] == ["d", "e"]


async def test_a_commit_whose_fate_is_unknown_is_repeated_for_it_is_safe() -> None:
    driver, sessions = FailingKV(None, 0), list[str]()
    driver.capabilities = replace(
        driver.capabilities, features=frozenset({Feature.ATOMIC_ANY_SIZE})
    )
    store = store_on(driver, sessions, commits=iter([OutcomeUnknown("cut off"), None]))
    await store.put_many(items(4), atomic=True)
    assert sessions == ["begun", "begun", "committed"]
    lost = OutcomeUnknown("cut off")
    with pytest.raises(ConnectionFailed, match="cut off"):
        await store_on(driver, commits=repeat(lost)).put_many(items(4), atomic=True)


@pytest.mark.parametrize("error", [ConnectionFailed("gone"), InvalidRecord("odd")])
async def test_a_partial_write_may_be_repeated_if_its_cause_may(
    error: polystore.PolystoreError,
) -> None:
    with pytest.raises(PartialWrite) as caught:
        await store_on(FailingKV(error, 1)).put_many(items(8))
    assert caught.value.retryable is error.retryable
