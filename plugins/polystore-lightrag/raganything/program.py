"""RAG-Anything on polystore: contents of a document that nobody has to parse.

    .tools/raganything/bin/python program.py TESTS CONFIGURATION FOLDER

Prints what it found, as JSON. Run a second time it finds its document and its parse cache again.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, sys.argv[1])

import lightrag_models as rules
from lightrag import LightRAG
from raganything import RAGAnything, RAGAnythingConfig

import polystore_lightrag

CONTENTS: list[dict[str, Any]] = [
    {"type": "text", "text": rules.TEXTS["doc-harbour"], "page_idx": 0},
    {
        "type": "table",
        "table_body": "| port | tons |\n|---|---|\n| Santos | 12 |\n| Canton | 7 |",
        "table_caption": ["Coffee and tea"],
        "table_footnote": [],
        "page_idx": 1,
    },
    {"type": "equation", "latex": "t = m / a", "text": "tons by area", "page_idx": 2},
]


async def answer(prompt: str, system_prompt: str | None = None, **options: Any) -> str:
    """Answer as the tests' rules do, and describe tables and equations."""
    if "entity_info" in prompt:
        kind = "Tonnage Table" if "Coffee and tea" in prompt else "Tonnage Formula"
        told = {"entity_name": kind, "entity_type": "table", "summary": f"{kind} of Santos"}
        described = f"{kind} speaks of Santos and Canton."
        return json.dumps({"detailed_description": described, "entity_info": told})
    return await rules.answer(prompt, system_prompt, **options)


async def main(config: str, folder: Path) -> dict[str, Any]:
    """Insert once, and tell what is there."""
    polystore_lightrag.register(config)
    given = rules.arguments(str(folder / "work"), **polystore_lightrag.STORAGES)
    rag = LightRAG(**{**given, "llm_model_func": answer})
    anything = RAGAnything(
        config=RAGAnythingConfig(working_dir=str(folder / "work"), parser="mineru"),
        lightrag=rag,
        llm_model_func=answer,
        embedding_func=given["embedding_func"],
    )
    anything._parser_installation_checked = True  # nothing is parsed here
    assert (await anything._ensure_lightrag_initialized())["success"]
    parsed = folder / "harbour.pdf"
    if not parsed.exists():
        parsed.write_text("what a parser would have read")
    key = anything._generate_cache_key(parsed, "auto")
    cached = await anything._get_cached_result(key, parsed, "auto")
    if cached is None:
        await anything._store_cached_result(key, CONTENTS, "doc-anything", parsed, "auto")
    if await rag.doc_status.get_by_id("doc-anything") is None:
        await anything.insert_content_list(CONTENTS, file_path="harbour.pdf", doc_id="doc-anything")
        await anything._set_multimodal_status_record("doc-anything", True)
    state: Any = await rag.doc_status.get_by_id("doc-anything")
    status: Any = await anything._get_multimodal_status_record("doc-anything")
    found = {
        "was_cached": cached is not None,
        "cached": await anything._get_cached_result(key, parsed, "auto"),
        "multimodal_status": {name: status[name] for name in status if "time" not in name},
        "state": {name: str(state[name]) for name in ("status", "multimodal_processed")},
        "chunks": len(state["chunks_list"]),
        "labels": await rag.get_graph_labels(),
        "answer": await anything.aquery("What does the Tonnage Table say of Santos?", mode="mix"),
    }
    await anything.finalize_storages()
    return found


print(json.dumps(asyncio.run(main(sys.argv[2], Path(sys.argv[3])))))
