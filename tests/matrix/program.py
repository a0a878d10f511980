"""The application: what it does, in order. It names no backend and asks what each can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polystore
from matrix import documents, everywhere, keys, passages, relations
from matrix.answers import Answer, Notes
from matrix.library import STORES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PARTS = (
    keys.use_cache,
    keys.let_expire,
    keys.race,
    keys.cache_answers,
    documents.ingest_papers,
    passages.ingest_chunks,
    relations.ingest_graph,
    documents.browse,
    passages.search,
    passages.search_filtered,
    passages.search_words,
    relations.look_around,
    relations.walk,
    relations.find_people,
    everywhere.make_mistakes,
    documents.revise,
    passages.correct,
    relations.cut,
    documents.weed,
)
"""What is done for each tenant."""


async def run(config: Path | Mapping[str, Any]) -> dict[str, Answer]:
    """Carry out the application on a configuration that holds nothing yet; return its answers."""
    notes = Notes()
    async with polystore.open(config, stores=STORES, schema="auto") as ps:
        await everywhere.serve_tenants(ps, notes)
        for part in PARTS:
            await part(ps, notes)
        await everywhere.work_in_units(ps, notes)
        await everywhere.use_models(ps, notes)
        sizes = {size.store: size.rows for size in await ps.sizes()}
        notes.exact("all: sizes", sizes)
    async with polystore.open(config, stores=STORES) as ps:
        notes.exact("all: there when opened again", sizes == {
            size.store: size.rows for size in await ps.sizes()
        })  # fmt: skip
        notes.exact("all: rows dropped", await ps.drop())
        notes.exact(
            "all: nothing left", [await ps.workspaces(), sum(s.rows for s in await ps.sizes())]
        )
    return notes.answers
