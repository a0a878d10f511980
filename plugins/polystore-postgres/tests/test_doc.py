"""Document stores against a model in plain Python: orders, pages, counts, deletes."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Any, cast

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from polystore.errors import InvalidFilter, SchemaMismatch
from polystore.filters import And, F, Path, compile_predicate
from polystore.specdiff import StoredSpec
from polystore.specs import DocSpec
from polystore.stores.ordering import comes_after, document_meta, in_order, row_keys, value_at
from polystore.stores.queries import FindQuery, Sort
from polystore.types.batches import DocBatch
from polystore.types.call import Call
from polystore.types.records import FieldCount
from polystore.types.sortkey import decode_sort_key, sort_key
from polystore_postgres.doc import PostgresDoc

from .stores import create_store, opened_backend

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from polystore.types.records import Document
    from polystore_postgres.backend import PostgresBackend

CALL = Call("w' \" ü")
SPEC = DocSpec.model_validate(
    {
        "name": "documents",
        "indexes": ["a", "-b", ["a", "-b"], ["c.d", "meta:version"], "-meta:created_at"],
    }
)
LONG = "y" * 499
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([None, True, False, [], {}, [1], "", "a", "b", LONG + "a", LONG + "ab"]),
    st.sampled_from([LONG + "é", LONG + "abc", "é", "\U0010ffff", "\uffff", "%", "'; --"]),
    st.sampled_from([0, 1, 1.0, -1.5, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 1e18, 2.0**60, 1e300]),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=2),
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "a": VALUES,
        "b": VALUES,
        "c": st.fixed_dictionaries({"d": VALUES}) | VALUES,
        "e": VALUES,
    },
)
IDS = st.sampled_from(
    [*"abcdefgh", "A", "é", "\U0010ffff", "\uffff", "z" * 512, "z" * 511, "z" * 505]
)
CONTENTS = st.dictionaries(IDS, DOCUMENTS, min_size=1, max_size=8)
PATHS = [
    Path(("a",)), Path(("b",)), Path(("c", "d")), Path(("e",)), Path(("c",)), Path(("nope",)),
    Path(("id",), meta=True), Path(("version",), meta=True), Path(("created_at",), meta=True),
    Path(("updated_at",), meta=True), Path(("expires_at",), meta=True),
]  # fmt: skip
SORTS = st.lists(st.builds(Sort, st.sampled_from(PATHS), st.booleans()), max_size=3).map(tuple)
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
QUICK = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class Store:
    """A driver and the loop that it belongs to."""

    def __init__(self, dsn: str) -> None:
        self._runner = asyncio.Runner()
        self._exit = contextlib.AsyncExitStack()
        self.backend: PostgresBackend = self.run(
            self._exit.enter_async_context(opened_backend(dsn))
        )
        self.driver = cast("PostgresDoc", self.run(create_store(self.backend, SPEC)))

    def run(self, work: Any) -> Any:
        return self._runner.run(work)

    def close(self) -> None:
        self.run(self._exit.aclose())
        self._runner.close()

    def fill(self, contents: dict[str, Any]) -> list[Document]:
        """Replace everything by `contents`, and return it as documents."""
        ids = list(contents)
        self.run(self.driver.clear(CALL))
        self.run(self.driver.put_many(CALL, batch_of(contents)))
        found = self.run(self.driver.get_many(CALL, ids))
        for document in found:
            assert document.data == contents[document.id]
        return found


def batch_of(contents: dict[str, Any]) -> DocBatch:
    data = list(contents.values())
    return DocBatch(list(contents), data, [orjson.dumps(item) for item in data])


@pytest.fixture(scope="module")
def store(postgres_module_dsn: str) -> Generator[Store]:
    opened = Store(postgres_module_dsn)
    yield opened
    opened.close()


@QUICK
@given(contents=CONTENTS, sort=SORTS, limit=st.integers(1, 4))
@example({"z" * 512: {}, "z" * 511: {}}, (Sort(PATHS[6], True), Sort(PATHS[0])), 1)
@example({"a": {"a": LONG + "ab"}, "b": {"a": LONG + "aa"}}, (Sort(PATHS[0]),), 1)
def test_pages_are_the_portable_order(
    store: Store, contents: dict[str, Any], sort: tuple[Sort, ...], limit: int
) -> None:
    documents = store.fill(contents)
    rows = [(row_keys(sort, document), document.id) for document in documents]
    expected = in_order(rows, sort)
    found: list[str] = []
    after = None
    while True:
        page = store.run(store.driver.find(CALL, FindQuery(None, sort, limit, after)))
        found += [document.id for document in page]
        if len(page) < limit:
            break
        after = (row_keys(sort, page[-1]), page[-1].id)
    assert found == [id_ for _, id_ in expected]
    offset = store.run(store.driver.find(CALL, FindQuery(None, sort, limit, None, 2)))
    assert [document.id for document in offset] == found[2 : 2 + limit]


@QUICK
@given(contents=CONTENTS, sort=SORTS, position=st.tuples(st.lists(VALUES, max_size=3), IDS))
def test_a_position_that_is_no_row_divides_them_too(
    store: Store, contents: dict[str, Any], sort: tuple[Sort, ...], position: Any
) -> None:
    sort = tuple(part for part in sort if not part.path.meta)
    values, id_ = position
    keys = tuple(map(sort_key, values))
    if len(keys) < len(sort):
        return
    after = (keys[: len(sort)], id_)
    rows = [(row_keys(sort, document), document.id) for document in store.fill(contents)]
    expected = [row[1] for row in in_order(rows, sort) if comes_after(row, after, sort)]
    found = store.run(store.driver.find(CALL, FindQuery(None, sort, 100, after)))
    assert [document.id for document in found] == expected


@QUICK
@given(contents=CONTENTS, path=st.sampled_from(PATHS))
def test_counts_by_value(store: Store, contents: dict[str, Any], path: Path) -> None:
    documents = store.fill(contents)
    counted = store.run(store.driver.count_by(CALL, path, None))
    counts: Counter[tuple[bytes, bytes]] = Counter()
    values: dict[tuple[bytes, bytes], Any] = {}
    for document in documents:
        value = value_at(path, document.data, document_meta(document))
        key = sort_key(value)
        if not b"\x01" <= key[:1] <= b"\x05":
            continue
        whole = key, value.encode() if isinstance(value, str) else b""
        values[whole] = value if isinstance(value, str) else decode_sort_key(key)
        counts[whole] += 1
    assert counted == [FieldCount(values[key], counts[key]) for key in sorted(counts)]


@QUICK
@given(contents=CONTENTS, value=VALUES.filter(lambda v: not isinstance(v, list | dict)))
def test_count_find_and_delete_take_the_same_filter(
    store: Store, contents: dict[str, Any], value: Any
) -> None:
    documents = store.fill(contents)
    filter_ = And(((F("a") == value), F("e").not_in([value])))
    predicate = compile_predicate(filter_)
    matching = sorted(d.id for d in documents if predicate(d.data, document_meta(d)))
    driver = store.driver
    found = store.run(driver.find(CALL, FindQuery(filter_, (), 100)))
    assert [document.id for document in found] == matching
    assert store.run(driver.count_where(CALL, filter_)) == len(matching)
    counts = store.run(driver.count_by(CALL, Path(("a",)), filter_))
    assert sum(count.count for count in counts) == len(matching)
    assert store.run(driver.delete_where(CALL, filter_)) == len(matching)
    assert store.run(driver.count(CALL)) == len(documents) - len(matching)


@pytest.fixture
async def backend(postgres_dsn: str) -> AsyncGenerator[PostgresBackend]:
    async with opened_backend(postgres_dsn, pool={"max": 8}) as opened:
        yield opened


async def test_concurrent_batches_in_any_order_never_deadlock(backend: PostgresBackend) -> None:
    driver = cast("PostgresDoc", await create_store(backend, SPEC))
    ids = [f"d{n:03}" for n in range(200)]
    forward = batch_of({id_: {"a": 1} for id_ in ids})
    backward = batch_of({id_: {"a": 2} for id_ in reversed(ids)})
    for _ in range(5):
        await asyncio.gather(
            *(driver.put_many(CALL, batch) for batch in (forward, backward) * 2),
            driver.delete_many(CALL, ids[::-1]),
            driver.delete_where(CALL, F("a") >= 1),
        )


async def test_versions_grow_over_deletes(backend: PostgresBackend) -> None:
    driver = cast("PostgresDoc", await create_store(backend, SPEC))
    seen = [0]
    row = batch_of({"d": {}})
    for _ in range(20):
        await driver.put_many(CALL, row)
        document = (await driver.get_many(CALL, ["d"]))[0]
        assert document is not None
        seen.append(document.version)
        assert await driver.compare_and_set(CALL, row, seen[-2]) is None
        if len(seen) % 2:
            await driver.delete_many(CALL, ["d"])
    assert seen == sorted(set(seen))
    assert seen[-1] < 2**53


async def test_one_of_many_racing_writers_wins(backend: PostgresBackend) -> None:
    driver = cast("PostgresDoc", await create_store(backend, SPEC))
    row = batch_of({"d": {"a": "x"}})
    made = await asyncio.gather(*(driver.compare_and_set(CALL, row, 0) for _ in range(8)))
    [version] = [result for result in made if result is not None]
    replaced = await asyncio.gather(*(driver.compare_and_set(CALL, row, version) for _ in range(8)))
    assert len([result for result in replaced if result is not None]) == 1


async def test_a_process_that_does_not_know_a_field_fails_loudly(backend: PostgresBackend) -> None:
    await create_store(backend, SPEC)
    older = PostgresDoc(
        backend.pool,
        StoredSpec(DocSpec(name="documents")),
        backend.names,
        backend.capabilities("doc") or pytest.fail("no doc stores"),
    )
    with pytest.raises(SchemaMismatch):
        await older.put_many(CALL, batch_of({"d": {"a": 1}}))
    assert await older.count(CALL) == 0


async def test_a_damaged_position_is_told(backend: PostgresBackend) -> None:
    driver = cast("PostgresDoc", await create_store(backend, SPEC))
    sort = (Sort(Path(("created_at",), meta=True)),)
    with pytest.raises(InvalidFilter):
        await driver.find(CALL, FindQuery(None, sort, 1, ((sort_key(None),), "a")))


async def test_the_longest_keys_fit_into_every_index(backend: PostgresBackend) -> None:
    spec = DocSpec.model_validate({"name": "documents", "indexes": [["a", "-b", "c.d"]]})
    driver = cast("PostgresDoc", await create_store(backend, spec))
    call = Call("".join(chr(0x4E00 + 37 * n) for n in range(85)))
    # Random-looking, so that nothing becomes shorter by compression.
    text = "".join(chr(0x4E00 + (7919 * n * n + n) % 20_000) for n in range(400))
    data = {"a": text, "b": text[1:], "c": {"d": text[2:]}}
    id_ = text[3:173]
    await driver.put_many(call, batch_of({id_: data}))
    sort = (Sort(Path(("a",))), Sort(Path(("b",)), True), Sort(Path(("c", "d"))))
    [document] = await driver.find(call, FindQuery(F("a") == text, sort, 2))
    assert document.data == data
