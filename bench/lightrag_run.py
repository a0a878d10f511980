"""A whole run of LightRAG; rules stand for models, so that LightRAG and storage are left."""

from __future__ import annotations

import logging
import tempfile
import time
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

from bench.lightrag_sides import OWN, models
from bench.lightrag_watch import StorageClock
from bench.measure import Case

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from bench.context import Bench
    from bench.measure import Unit

Side: TypeAlias = dict[str, Any]
"""What `LightRAG` is told about its storages."""

_DOCUMENTS = 12
_SENTENCES = 12
_QUESTIONS = 20
_PLACES = ("Bristol", "Hamburg", "Santos", "Canton", "London", "Oslo")
NOTE = "driver: LightRAG's own PostgreSQL storages"


async def cases(bench: Bench, config: dict[str, Any]) -> AsyncGenerator[Case]:
    """Yield the insertion of documents, and questions about them, and what storages took of each.

    The time of storages is that during which at least one of their calls was under way; it is of
    the same rounds as the whole.
    """
    ours, own = sides(config)
    texts = [text_of(number) for number in range(_DOCUMENTS)]
    workspaces = count()
    rounds = min(bench.sizes.rounds, 3)

    async def insert(side: Side) -> tuple[float, float]:
        async with running(side, f"run{next(workspaces)}") as rag:
            return await _timed(rag, partial(rag.ainsert, texts), len(texts))

    async def ask(side: Side) -> tuple[float, float]:
        from lightrag import QueryParam  # pyright: ignore[reportMissingTypeStubs]

        async with running(side, "asked") as rag:
            if await rag.text_chunks.is_empty():
                await rag.ainsert(texts)

            async def all_questions() -> None:
                for number in range(_QUESTIONS):
                    question = f"Where is Name{number % 12} Family{number % 5}?"
                    found = await rag.aquery_data(question, QueryParam(mode="mix"))
                    assert found["data"]["entities"]

            return await _timed(rag, all_questions, _QUESTIONS)

    works: list[tuple[str, Callable[[Side], Awaitable[tuple[float, float]]], int, Unit]] = [
        ("whole insertion (documents)", insert, _DOCUMENTS, "rows/s"),
        ("whole query, mode mix", ask, _QUESTIONS, "calls/s"),
    ]
    for name, work, rows, unit in works:
        pair = _Both(partial(work, ours)), _Both(partial(work, own))
        yield Case(
            f"lightrag {name}", rows, unit, pair[0].whole, pair[1].whole, rounds=rounds, note=NOTE
        )
        yield Case(
            f"lightrag {name}: in storages", rows, "ms", pair[0].part, pair[1].part,
            rounds=rounds, warm=False, note=f"{NOTE}; of the rounds above",
        )  # fmt: skip


class _Both:
    """Keeps what storages took of each round, for the case that tells it."""

    def __init__(self, work: Callable[[], Awaitable[tuple[float, float]]]) -> None:
        self._work = work
        self._parts: list[float] = []

    async def whole(self) -> float:
        seconds, of_storages = await self._work()
        self._parts.append(of_storages)
        return seconds

    async def part(self) -> float:
        if not self._parts:  # only this case was asked for
            await self.whole()
        return self._parts.pop()  # the newest first: the oldest is the round that did not count


async def _timed(rag: Any, work: Callable[[], Awaitable[object]], rows: int) -> tuple[float, float]:
    """Return the seconds that each of `rows` took, and those in which a storage was called."""
    with StorageClock(rag) as clock:
        start = time.perf_counter()
        await work()
        return (time.perf_counter() - start) / rows, clock.seconds / rows


def sides(config: dict[str, Any]) -> tuple[Side, Side]:
    """Return what makes LightRAG run on polystore, and on its own storages for PostgreSQL."""
    from polystore_lightrag import STORAGES

    logging.getLogger("lightrag").setLevel(logging.ERROR)
    return {**STORAGES, "vector_db_storage_cls_kwargs": {"polystore_config": config}}, {**OWN}


@asynccontextmanager
async def running(side: Side, workspace: str) -> AsyncGenerator[Any]:
    """Open an instance of LightRAG in a workspace."""
    from lightrag import LightRAG  # pyright: ignore[reportMissingTypeStubs]

    with tempfile.TemporaryDirectory(prefix="polystore-bench-run-") as folder:
        rag = LightRAG(**models().arguments(folder, workspace=workspace, **side))
        await rag.initialize_storages()
        try:
            yield rag
        finally:
            await rag.finalize_storages()


def text_of(number: int) -> str:
    """Return the text of a document; its names are those of others, too."""
    return " ".join(
        f"Name{number} Family{n} met Name{n} Family{number % 5} in {_PLACES[(number + n) % 6]}."
        for n in range(_SENTENCES)
    )
