"""What is promised to be cheap uses its index; the server's own plans say so."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING, Any, cast

import orjson
import pytest

from polystore.filters import F, Path
from polystore.specs import DocSpec, KVSpec
from polystore.stores.ordering import row_keys
from polystore.stores.queries import FindQuery, Sort
from polystore.types.batches import DocBatch, KVBatch
from polystore.types.call import Call

from .stores import create_store, opened_backend

if TYPE_CHECKING:
    from collections.abc import Generator

    from polystore_postgres.backend import PostgresBackend
    from polystore_postgres.doc import PostgresDoc
    from polystore_postgres.kv import PostgresKV

CALL = Call("main")
OTHER = Call("other")
ROWS = 20_000
SPEC = DocSpec.model_validate(
    {
        "name": "documents",
        "indexes": [
            "status",
            "n",
            "-rank",
            ["status", "n"],
            ["status", "-rank"],
            ["-rank", "n"],
            ["-rank", "-n"],
            "meta:created_at",
            "-meta:updated_at",
            "long",
        ],
    }
)


class Filled:
    """A database with enough rows that a plan which reads them all would not be chosen."""

    def __init__(self, dsn: str) -> None:
        self._runner = asyncio.Runner()
        self._exit = contextlib.AsyncExitStack()
        self.run(self._open(dsn))

    async def _open(self, dsn: str) -> None:
        self.backend: PostgresBackend = await self._exit.enter_async_context(opened_backend(dsn))
        self.kv = cast("PostgresKV", await create_store(self.backend, KVSpec(name="cache")))
        self.doc = cast("PostgresDoc", await create_store(self.backend, SPEC))
        for call in (CALL, OTHER):
            for start in range(0, ROWS, 1000):
                await self._fill(call, range(start, start + 1000))
        for table in ("kv_cache", "doc_documents"):
            await self.backend.pool.execute(f"VACUUM ANALYZE polystore.{table}")

    async def _fill(self, call: Call, numbers: range) -> None:
        ids = [f"{n % 97:02}/{n:06}" for n in numbers]
        data = [
            {"status": f"s{n % 5}", "n": n, "rank": n % 100, "long": "x" * 600 + str(n % 3)}
            for n in numbers
        ]
        texts = [orjson.dumps(item) for item in data]
        await self.doc.put_many(call, DocBatch(ids, cast("list[dict[str, Any]]", data), texts))
        small = [b"1"] * len(ids)
        await self.kv.put_many(call, KVBatch(ids, small, [False] * len(ids)))

    def run(self, work: Any) -> Any:
        return self._runner.run(work)

    def plan(self, work: Any) -> str:
        """Return the plan of the last statement that `work` sends, with what it really read."""
        pool = self.backend.pool
        sent: list[tuple[str, tuple[Any, ...]]] = []

        def remember(send: Any) -> Any:
            def recorded(sql: str, *values: Any, **options: Any) -> Any:
                sent.append((sql, values))
                return send(sql, *values, **options)

            return recorded

        with pytest.MonkeyPatch.context() as patch:
            for name in ("fetch", "fetchrow", "fetchval"):
                patch.setattr(pool, name, remember(getattr(pool, name)))
            self.run(work)
        sql, values = sent[-1]
        options = "ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF"
        rows = self.run(pool.fetch(f"EXPLAIN ({options}) {sql}", *values))
        return "\n".join(row[0] for row in rows)

    def close(self) -> None:
        self.run(self._exit.aclose())
        self._runner.close()


@pytest.fixture(scope="module")
def filled(postgres_module_dsn: str) -> Generator[Filled]:
    opened = Filled(postgres_module_dsn)
    yield opened
    opened.close()


def rows_read(plan: str) -> float:
    """Return the most rows that any step of a plan read or threw away, in all its loops.

    What was asked for, a function's rows, is not among them.
    """
    plan = "\n".join(line for line in plan.splitlines() if "Function Scan" not in line)
    steps = re.findall(r"rows=([0-9.]+) loops=([0-9]+)", plan)
    removed = re.findall(r"Rows Removed by \w+(?: \w+)*: ([0-9]+)", plan)
    # A plan tells the mean of loops, to two decimals.
    read = [round(float(rows) * int(loops)) for rows, loops in steps]
    return max(read + [float(r) for r in removed])


def by(*names: str) -> tuple[Sort, ...]:
    paths = [name.removeprefix("-") for name in names]
    return tuple(
        Sort(
            Path((path.removeprefix("meta:"),), meta=path.startswith("meta:")),
            name.startswith("-"),
        )
        for name, path in zip(names, paths, strict=True)
    )


@pytest.mark.parametrize("keys", [["01/000001"], ["01/000001", "02/000002", "no"]])
def test_point_reads(filled: Filled, keys: list[str]) -> None:
    for work, table in (
        (filled.kv.get_many(CALL, keys), "kv_cache"),
        (filled.kv.missing(CALL, keys), "kv_cache"),
        (filled.doc.get_many(CALL, keys), "doc_documents"),
    ):
        plan = filled.plan(work)
        assert "Seq Scan" not in plan
        assert f"{table}_pkey" in plan
        assert rows_read(plan) <= 2


def test_a_prefix_scan_is_a_range(filled: Filled) -> None:
    for cursor in (None, "42/009000"):
        plan = filled.plan(filled.kv.scan_page(CALL, "42/", cursor, 50))
        assert "kv_cache_pkey" in plan
        assert "Sort" not in plan
        assert rows_read(plan) <= 50


ORDERS = [
    (),
    by("status"),
    by("n"),
    by("-rank"),
    by("status", "n"),
    by("status", "-rank"),
    by("-rank", "n"),
    by("-rank", "-n"),
    by("meta:created_at"),
    by("-meta:updated_at"),
]


@pytest.mark.parametrize("sort", ORDERS, ids=lambda s: ",".join(str(p.path) for p in s) or "id")
@pytest.mark.parametrize("depth", [None, 10_000])
def test_a_page_in_a_declared_order_costs_what_it_returns(
    filled: Filled, sort: tuple[Sort, ...], depth: int | None
) -> None:
    after = None
    if depth is not None:
        query = FindQuery(None, sort, 1, None, depth)
        [document] = filled.run(filled.doc.find(CALL, query))
        after = (row_keys(sort, document), document.id)
    query = FindQuery(None, sort, 51, after)
    plan = filled.plan(filled.doc.find(CALL, query))
    assert "Seq Scan" not in plan
    # A page is put together of at most one range for each key and one for the id.
    assert rows_read(plan) <= 51 * (len(sort) + 1), plan
    explanation = filled.run(filled.doc.explain(CALL, FindQuery(None, sort, 51)))
    assert (explanation.how, explanation.access) == ("native", "index")


@pytest.mark.parametrize(
    ("filter_", "most"),
    [
        (F("n") == 77, 1),
        (F("n").is_in([1, 2, 3]), 3),
        ((F("n") >= 100) & (F("n") < 150), 50),
        ((F("status") == "s1") & (F("n") > 19_900), 20),
        (F.meta("id") == "01/000001", 1),
        (F.meta("id").starts_with("42/"), 210),
        (F("n").is_null(), 1),
        (F("status").starts_with("t"), 1),
    ],
)
def test_a_filter_on_declared_fields_uses_the_index(
    filled: Filled, filter_: Any, most: int
) -> None:
    query = FindQuery(filter_, (), 1000)
    plan = filled.plan(filled.doc.find(CALL, query))
    assert "Seq Scan" not in plan
    assert rows_read(plan) <= most, plan


def test_a_filter_on_another_field_reads_all(filled: Filled) -> None:
    query = FindQuery(F("other") == 1, (), 10)
    explanation = filled.run(filled.doc.explain(CALL, query))
    assert explanation.access == "exact"
    query = FindQuery(None, by("other"), 10)
    explanation = filled.run(filled.doc.explain(CALL, query))
    assert explanation.access == "exact"


@pytest.mark.parametrize(
    ("field", "filter_"), [("status", None), ("rank", None), ("n", F("status") == "s1")]
)
def test_count_by_reads_nothing_but_the_index(filled: Filled, field: str, filter_: Any) -> None:
    path = Path((field,))
    counts = filled.run(filled.doc.count_by(CALL, path, filter_))
    assert sum(count.count for count in counts) == (ROWS if filter_ is None else ROWS // 5)
    plan = filled.plan(filled.doc.count_by(CALL, path, filter_))
    assert "Index Only Scan" in plan, plan
    assert "Heap Fetches: 0" in plan, plan


def test_long_strings_are_counted_whole(filled: Filled) -> None:
    counts = filled.run(filled.doc.count_by(CALL, Path(("long",)), None))
    assert [count.value[-1] for count in counts] == ["0", "1", "2"]


def test_workspaces_are_listed_without_reading_rows(filled: Filled) -> None:
    assert filled.run(filled.backend.workspaces()) == ["main", "other"]


def test_doctor_finds_every_index_of_these_stores(filled: Filled) -> None:
    stored = list(filled.run(filled.backend.catalogue()).values())
    findings = filled.run(filled.backend.findings(stored))
    assert {finding.severity for finding in findings if finding.check == "index"} == {"ok"}
