"""Label search: equal, beginning, containing, and similar where pg_trgm is there."""

from __future__ import annotations

import string
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polystore.capabilities import Feature
from polystore.specs import GraphSpec
from polystore.types.batches import NodeBatch
from polystore.types.call import Call
from polystore_postgres.graph import PostgresGraph
from polystore_postgres.names import quote_identifier
from polystore_postgres.sqlfile import block

from .stores import create_store, opened_backend

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

    from servers.postgres import PostgresServer

    from polystore_postgres.pool import Pool

    MakeGraph = Callable[..., Awaitable[PostgresGraph]]

CALL = Call("acme")


async def store(graph: PostgresGraph, call: Call, ids: list[str]) -> None:
    rows = len(ids)
    await graph.upsert_nodes(
        call, NodeBatch(ids, [()] * rows, [dict[str, Any]()] * rows, [b"{}"] * rows)
    )


def expected(ids: list[str], text: str) -> list[str]:
    wanted = text.casefold()
    ranked = [
        (0 if folded == wanted else 1 if folded.startswith(wanted) else 2, id_)
        for id_, folded in ((id_, id_.casefold()) for id_ in ids)
        if wanted in folded
    ]
    return [id_ for _, id_ in sorted(ranked)]


async def test_order_and_scores(make_graph: MakeGraph) -> None:
    graph = await make_graph()
    ids = ["Berlin", "berlin", "BERLIN wall", "berliner", "East Berlin", "Bern", "West-berlin"]
    await store(graph, CALL, ids)
    await store(graph, Call("other"), ["Berlin"])
    found = await graph.search_labels(CALL, "bErLiN", 10)
    assert [match.id for match in found] == [
        "Berlin", "berlin", "BERLIN wall", "berliner", "East Berlin", "West-berlin",
    ]  # fmt: skip
    scores = [match.score for match in found]
    assert scores == sorted(scores, reverse=True)
    assert scores[:2] == [1.0, 1.0]
    assert scores[2] < 1.0
    for limit in range(1, 7):
        assert await graph.search_labels(CALL, "bErLiN", limit) == found[:limit]


# Letters whose cases differ in number or in bytes: sharp s, Turkish i, long s, the two sigmas.
ALPHABET = "aAbBéÉß\u0130\u0131\u017f%_\\'\"*?[( 🙂\ud7ff\ue000\U0010ffffש\u03a3\u03c2\u03c3"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    ids=st.lists(st.text(ALPHABET, min_size=1, max_size=6), min_size=1, max_size=30, unique=True),
    text=st.text(ALPHABET, min_size=1, max_size=3),
    limit=st.integers(1, 10),
)
async def test_any_text_is_meant_literally(
    shared_graph: PostgresGraph, ids: list[str], text: str, limit: int
) -> None:
    await shared_graph.clear(CALL)
    await store(shared_graph, CALL, ids)
    found = await shared_graph.search_labels(CALL, text, limit)
    assert [match.id for match in found] == expected(ids, text)[:limit]


@pytest.fixture
async def shared_graph(make_graph: MakeGraph) -> PostgresGraph:
    return await make_graph()


@asynccontextmanager
async def trigram_graph(dsn: str, schema: str) -> AsyncGenerator[tuple[PostgresGraph, Pool]]:
    async with opened_backend(dsn) as backend:
        quoted = quote_identifier(schema)
        await backend.pool.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted}")
        await backend.pool.execute(f"CREATE EXTENSION pg_trgm SCHEMA {quoted}")
    async with opened_backend(dsn) as backend:
        graph = await create_store(backend, GraphSpec(name="g"))
        assert isinstance(graph, PostgresGraph)
        assert Feature.FUZZY_LABELS in graph.capabilities.features
        yield graph, backend.pool


@pytest.fixture
def debian_dsn(debian_server: PostgresServer) -> Generator[str]:
    with debian_server.fresh_database() as dsn:
        yield dsn


@pytest.mark.parametrize("schema", ["public", 'Odd "schema"'])
async def test_typing_errors_are_forgiven(debian_dsn: str, schema: str) -> None:
    cities = ["Frankfurt", "Frankfurt am Main", "Old Frankfurt", "Hamburg", "Frankreich"]
    async with trigram_graph(debian_dsn, schema) as (graph, _):
        await store(graph, CALL, [*cities, "100%", "1_0"])
        found = await graph.search_labels(CALL, "Frankfrut", 10)
        assert found[0].id == "Frankfurt"
        assert "Hamburg" not in {match.id for match in found}
        scores = [match.score for match in found]
        assert scores == sorted(scores, reverse=True)
        assert 0.15 <= scores[-1] <= scores[0] < 0.8
        exact = await graph.search_labels(CALL, "frankfurt", 3)
        assert [match.id for match in exact] == cities[:3]
        for text, id_ in (("0%", "100%"), ("_0", "1_0")):
            first, *others = await graph.search_labels(CALL, text, 10)
            assert (first.id, first.score) == (id_, 0.8)
            assert all(other.score < 0.8 for other in others)


async def test_similar_ids_come_from_the_trigram_index(debian_dsn: str) -> None:
    letters = string.ascii_lowercase
    ids = [f"{a}{b}{c}-{b}{c}{a}" for a in letters for b in letters for c in letters]
    async with trigram_graph(debian_dsn, "public") as (graph, pool):
        await store(graph, CALL, ids)
        await pool.execute("VACUUM ANALYZE polystore.node_g")
        for name, arguments in (
            ("labels_containing_trigram", "'acme', 'jkq-', 10, '%jkq-%'"),
            ("labels_similar", "'acme', 'jkq-kqx', 10"),
        ):
            places = {"schema": "polystore", "node": "node_g", "edge": "edge_g"}
            statement = block("graph_reads.sql", name, **places, trigram="public")
            async with pool.acquire(raw=True) as connection:
                await connection.execute(f"PREPARE q AS {statement}")
                plan = str(await connection.fetch(f"EXPLAIN EXECUTE q ({arguments})"))
                await connection.execute("DEALLOCATE q")
            assert "node_g_trigram" in plan


async def test_without_trigrams_it_is_not_declared(make_graph: MakeGraph) -> None:
    graph = await make_graph()
    assert Feature.FUZZY_LABELS not in graph.capabilities.features
    await store(graph, CALL, ["Frankfurt"])
    assert await graph.search_labels(CALL, "Frankfrut", 10) == []
