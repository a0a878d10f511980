"""Stores with a pydantic model beside the same without one, in memory: what the model costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

import polystore
from bench.data import documents
from bench.measure import Case, per_call, per_row
from polystore import DocSpec

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bench.context import Bench

_ROWS = 10_000


class Paper(BaseModel):
    """What `documents` makes."""

    title: str
    body: str
    status: str
    rank: int


async def cases(bench: Bench) -> AsyncGenerator[Case]:
    """Yield the operations; an engine's own time would hide what is measured here."""
    config: dict[str, Any] = {"backends": {"main": {"use": "memory"}}}
    async with polystore.open(config, stores=[DocSpec(name="papers")]) as ps:
        plain, typed = ps.doc("papers"), ps.doc("papers", model=Paper)
        data = documents(_ROWS)
        models = {id_: Paper.model_validate(paper) for id_, paper in data.items()}
        ids = list(data)
        rounds = bench.sizes.rounds
        note = "the same store without a model"

        async def empty() -> None:
            await plain.clear()

        yield Case(
            "typed put_many", _ROWS, "rows/s",
            lambda: per_row(typed.put_many(models), _ROWS),
            lambda: per_row(plain.put_many(data), _ROWS),
            rounds, before=empty, note=note, backend="memory",
        )  # fmt: skip
        await empty()
        await typed.put_many(models)
        assert [await typed.get(id_) for id_ in ids[:9]] == [models[id_] for id_ in ids[:9]]
        assert [await plain.get(id_) for id_ in ids[:9]] == [data[id_] for id_ in ids[:9]]
        yield Case(
            "typed get_many", _ROWS, "rows/s",
            lambda: per_row(typed.get_many(ids), _ROWS),
            lambda: per_row(plain.get_many(ids), _ROWS),
            rounds, note=note, backend="memory",
        )  # fmt: skip
        yield Case(
            "typed get (p50)", _ROWS, "ms",
            lambda: per_call(typed.get, ids),
            lambda: per_call(plain.get, ids),
            rounds, note=note, backend="memory",
        )  # fmt: skip
