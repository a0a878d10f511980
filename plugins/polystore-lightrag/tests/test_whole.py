"""LightRAG as it comes from the package index, on polystore configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lightrag import QueryParam
from lightrag_models import QUESTIONS, TEXTS

from .instances import on_polystore

if TYPE_CHECKING:
    from pathlib import Path

MODES = ("naive", "local", "global", "hybrid", "mix", "bypass")


async def test_it_reads_and_answers(config: dict[str, Any], tmp_path: Path) -> None:
    async with on_polystore(config, tmp_path) as rag:
        await rag.ainsert(list(TEXTS.values()), ids=list(TEXTS))
        assert (await rag.doc_status.get_status_counts())["processed"] == len(TEXTS)
        for mode in MODES:
            for question in QUESTIONS:
                said = await rag.aquery(question, QueryParam(mode=mode))
                assert str(said).startswith("Answer ")
        labels = await rag.get_graph_labels()
        assert {"Ada Brunel", "Karl Weber", "Santos"} <= set(labels)
