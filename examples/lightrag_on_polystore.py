"""LightRAG on polystore: reads two texts, answers, forgets one.

    pip install polystore-lightrag polystore-core[embedded]
    python examples/lightrag_on_polystore.py

Models are replaced by rules, so that it runs anywhere; give `LightRAG` yours. Where the data goes
is the configuration's word: here the embedded PostgreSQL, else the file in POLYSTORE_CONFIG.
"""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from itertools import pairwise
from typing import Any

import numpy as np
from lightrag import LightRAG, QueryParam  # pyright: ignore[reportMissingTypeStubs]
from lightrag.utils import EmbeddingFunc, Tokenizer  # pyright: ignore[reportMissingTypeStubs]

import polystore_lightrag

TEXTS = {
    "ships": "Ada Brunel builds ships in Bristol. Ada Brunel met Karl Weber in Hamburg.",
    "trade": "Hamburg bought coffee from Santos. Karl Weber knows Pedro Lima.",
}
NAME = re.compile(r"[A-Z]\w+(?: [A-Z]\w+)*")
INPUT = re.compile(r"---Input Text---\s*```\n(.*?)\n```", re.DOTALL)


class Bytes:
    """A tokenizer that needs no download."""

    def encode(self, content: str) -> list[int]:
        """Return the bytes."""
        return list(content.encode())

    def decode(self, tokens: list[int]) -> str:
        """Return the text."""
        return bytes(tokens).decode(errors="ignore")


async def say(prompt: str, system_prompt: str | None = None, **_options: Any) -> str:
    """Stand for a language model: names that share a sentence are related."""
    text = INPUT.search(prompt)
    if text is not None:
        lines: list[str] = []
        for sentence in text.group(1).split("."):
            names = NAME.findall(sentence)
            lines += [f"entity<|#|>{name}<|#|>Concept<|#|>{sentence.strip()}" for name in names]
            lines += [
                f"relation<|#|>{one}<|#|>{other}<|#|>together<|#|>{sentence.strip()}"
                for one, other in pairwise(names)
            ]
        return "\n".join([*lines, "<|COMPLETE|>"])
    if "high_level_keywords" in prompt:
        names = NAME.findall(prompt.rsplit("User Query:", 1)[-1])
        return json.dumps({"high_level_keywords": names, "low_level_keywords": names})
    known = sorted(set(NAME.findall(system_prompt or "")) & {"Bristol", "Hamburg", "Santos"})
    return f"It has to do with {', '.join(known) or 'nothing that I know'}."


async def embed(texts: list[str], **_options: Any) -> np.ndarray[Any, Any]:
    """Stand for an embedding model: count letters."""
    rows = [[1.0 + text.lower().count(chr(97 + n)) for n in range(26)] for text in texts]
    return np.array(rows, dtype=np.float32)


async def main(config: dict[str, Any] | None = None) -> None:
    """Read, answer, forget."""
    polystore_lightrag.register(config)
    with tempfile.TemporaryDirectory() as folder:
        rag = LightRAG(
            working_dir=folder,  # for its log; the data is in the configuration's stores
            llm_model_func=say,
            embedding_func=EmbeddingFunc(26, embed, model_name="letters"),
            tokenizer=Tokenizer("bytes", Bytes()),
            **polystore_lightrag.STORAGES,  # pyright: ignore[reportArgumentType]
        )
        await rag.initialize_storages()
        try:
            await rag.ainsert(list(TEXTS.values()), ids=list(TEXTS))
            print("knows:  ", ", ".join(await rag.get_graph_labels()))
            print("says:   ", await rag.aquery("Where is Ada Brunel?", QueryParam(mode="hybrid")))
            await rag.adelete_by_doc_id("trade", delete_llm_cache=True)
            print("forgot: ", ", ".join(await rag.get_graph_labels()))
        finally:
            await rag.adelete_by_doc_id("ships", delete_llm_cache=True)
            await rag.finalize_storages()


if __name__ == "__main__":
    asyncio.run(main())
