"""What LightRAG asks of models, answered by rules: the same text gives the same answer, always.

Names are words that begin with a capital; what stands in one sentence is related. Embeddings count
words, so that what shares words is near.
"""

from __future__ import annotations

import json
import re
from hashlib import blake2b
from itertools import pairwise
from typing import Any, Final

import numpy as np
from lightrag.utils import EmbeddingFunc, Tokenizer  # pyright: ignore[reportMissingTypeStubs]

DIMENSIONS: Final = 64
_NAME = re.compile(r"[A-Z][\w-]+(?: [A-Z][\w-]+)*")
_WORD = re.compile(r"\w+")
_INPUT = re.compile(r"---Input Text---\s*```\n(.*?)\n?```", re.DOTALL)
_OLD_INPUT = re.compile(r"<Input Text>\s*```\n?(.*?)\n?```", re.DOTALL)
_ASKED = re.compile(r"User Query: (.*)")
_COMMON: Final = frozenset(
    "a an and at but how in it of on that the this to what when where which who why".title().split()
)


class Characters:
    """A tokenizer whose tokens are four characters long; it needs no download."""

    def encode(self, content: str) -> list[int]:
        """Return a number per four characters, of which `decode` makes the text again."""
        parts = (content[i : i + 4] for i in range(0, len(content), 4))
        return [int.from_bytes(part.encode("utf-32-be"), "big") + 1 for part in parts]

    def decode(self, tokens: list[int]) -> str:
        """Return the text of tokens."""
        raw = [token - 1 for token in tokens]
        return "".join(
            number.to_bytes((number.bit_length() + 31) // 32 * 4, "big").decode("utf-32-be")
            for number in raw
        )


def tokenizer() -> Tokenizer:
    """Return a tokenizer for LightRAG."""
    return Tokenizer("characters", Characters())


def names_in(text: str) -> list[str]:
    """Return the names in a text, each once, in order."""
    found = dict.fromkeys(match.group() for match in _NAME.finditer(text))
    words = (" ".join(part for part in name.split() if part not in _COMMON) for name in found)
    return list(dict.fromkeys(word for word in words if word))


async def answer(prompt: str, system_prompt: str | None = None, **_options: Any) -> str:
    """Answer whatever LightRAG asks a language model."""
    given = _INPUT.search(prompt) or _OLD_INPUT.search(prompt)
    if given is not None:
        return _extracted(given.group(1))
    if "high_level_keywords" in prompt:
        asked = (_ASKED.findall(prompt) or [""])[-1]
        words = sorted({word.lower() for word in _WORD.findall(asked) if len(word) > 3})
        keywords = {"high_level_keywords": words, "low_level_keywords": names_in(asked) or words}
        return json.dumps(keywords)
    if "missed or incorrectly formatted" in prompt:
        return "<|COMPLETE|>"
    return f"Answer {_digest((system_prompt or '') + prompt)}"


def _extracted(text: str) -> str:
    lines: list[str] = []
    relations: list[str] = []
    for sentence in re.split(r"(?<=[.!?])\s+", text):
        sentence = " ".join(sentence.split())
        names = names_in(sentence)
        lines += [f"entity<|#|>{name}<|#|>Concept<|#|>{sentence}" for name in names]
        relations += [
            f"relation<|#|>{one}<|#|>{other}<|#|>mentioned together<|#|>{sentence}"
            for one, other in pairwise(names)
        ]
    return "\n".join([*lines, *relations, "<|COMPLETE|>"])


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


async def embed(texts: list[str], **_options: Any) -> np.ndarray[Any, Any]:
    """Return unit vectors that count words."""
    vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in _WORD.findall(text.lower()) or ["nothing"]:
            raw = blake2b(word.encode(), digest_size=4).digest()
            place = int.from_bytes(raw, "big")
            vectors[row, place % DIMENSIONS] += 1.0 if place % 2 else 0.7
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def embedding(model: str | None = "word-counts", dimensions: int = DIMENSIONS) -> EmbeddingFunc:
    """Return an embedding function for LightRAG."""
    return EmbeddingFunc(
        embedding_dim=dimensions, func=embed, max_token_size=8192, model_name=model
    )


def arguments(folder: str, **more: Any) -> dict[str, Any]:
    """Return what `LightRAG(...)` takes, but for the storages."""
    return {
        "working_dir": folder,
        "llm_model_func": answer,
        "embedding_func": embedding(),
        "tokenizer": tokenizer(),
        "chunk_token_size": 25,
        "chunk_overlap_token_size": 5,
        "cosine_better_than_threshold": 0.1,
        **more,
    }


TEXTS: Final = {
    "doc-harbour": (
        "Ada Brunel builds ships in Bristol. Bristol lies on the Avon. Ada Brunel met Karl Weber "
        "in Hamburg. Karl Weber owns the Elbe Yard. The Elbe Yard repaired the Great Western in "
        "Hamburg. The Great Western carried tea from Canton to Bristol."
    ),
    "doc-letters": (
        "Karl Weber wrote letters to Mary Stone. Mary Stone keeps an archive in London. The "
        "London Archive holds maps of the Avon. Ada Brunel visited the London Archive twice. "
        "Mary Stone drew a map of Canton."
    ),
    "doc-trade": (
        "Canton sold tea to London. Hamburg bought coffee from Santos. Santos is a port. The "
        "Great Western sailed to Santos. Pedro Lima loads coffee in Santos. Pedro Lima knows "
        "Karl Weber."
    ),
}
"""Documents that share names, by id."""
QUESTIONS: Final = ("Who is Ada Brunel?", "What did the Great Western carry?", "Where is Santos?")
