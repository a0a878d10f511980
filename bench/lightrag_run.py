"""A whole run of LightRAG; rules stand for models, so that LightRAG and storage are left."""

from __future__ import annotations

import logging
import tempfile
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from bench.lightrag_sides import OWN, models
from bench.measure import Case, per_row

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bench.context import Bench
    from bench.lightrag_sides import Sides

_DOCUMENTS = 12
_SENTENCES = 12
_PLACES = ("Bristol", "Hamburg", "Santos", "Canton", "London", "Oslo")


async def runs(bench: Bench, sides: Sides) -> AsyncGenerator[Case]:
    """Yield the insertion of documents, and questions about them."""
    from polystore_lightrag import STORAGES

    logging.getLogger("lightrag").setLevel(logging.ERROR)
    rules = models()
    texts = [_text(number) for number in range(_DOCUMENTS)]
    workspaces = count()
    chosen = {"vector_db_storage_cls_kwargs": {"polystore_config": sides.config_of_runs}}

    async def insert(storages: dict[str, str], more: dict[str, Any]) -> float:
        async with _running(rules, storages, f"run{next(workspaces)}", more) as rag:
            return await per_row(rag.ainsert(texts), len(texts))

    async def ask(storages: dict[str, str], more: dict[str, Any], workspace: str) -> float:
        from lightrag import QueryParam  # pyright: ignore[reportMissingTypeStubs]

        async with _running(rules, storages, workspace, more) as rag:
            if await rag.text_chunks.is_empty():
                await rag.ainsert(texts)
            questions = [f"Where is Name{n % 12} Family{n % 5}?" for n in range(20)]

            async def all_questions() -> None:
                for question in questions:
                    found = await rag.aquery_data(question, QueryParam(mode="mix"))
                    assert found["data"]["entities"]

            return await per_row(all_questions(), len(questions))

    yield Case(
        "lightrag whole insertion (documents)",
        len(texts),
        "rows/s",
        partial(insert, STORAGES, chosen),
        partial(insert, OWN, {}),
        rounds=3,
        note="driver: LightRAG's own PostgreSQL storages",
    )
    yield Case(
        "lightrag whole query, mode mix",
        20,
        "calls/s",
        partial(ask, STORAGES, chosen, "asked"),
        partial(ask, OWN, {}, "asked"),
        rounds=min(bench.sizes.rounds, 3),
        note="driver: LightRAG's own PostgreSQL storages",
    )


class _running:  # noqa: N801  used as a function
    """Opens an instance of LightRAG in a workspace."""

    def __init__(
        self, rules: Any, storages: dict[str, str], workspace: str, more: dict[str, Any]
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="polystore-bench-run-")
        self._given = rules.arguments(
            self._folder.name, workspace=workspace, enable_llm_cache=True, **storages, **more
        )

    async def __aenter__(self) -> Any:
        from lightrag import LightRAG  # pyright: ignore[reportMissingTypeStubs]

        self._rag = LightRAG(**self._given)
        await self._rag.initialize_storages()
        return self._rag

    async def __aexit__(self, *_error: object) -> None:
        await self._rag.finalize_storages()
        self._folder.cleanup()


def _text(number: int) -> str:
    return " ".join(
        f"Name{number} Family{n} met Name{n} Family{number % 5} in {_PLACES[(number + n) % 6]}."
        for n in range(_SENTENCES)
    )
