"""Texts to vectors: a small model that comes as a wheel, and a cache so that none is made twice."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from polystore.demo.stores import DIMENSIONS, MODEL
from polystore.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy import float32
    from numpy.typing import NDArray

    from polystore.stores.kv import KVStore


class Embedder(Protocol):
    """Whatever turns texts into vectors.

    Attributes:
        model: Its name; vectors of two models are never mixed.
        dimensions: Of its vectors.
    """

    model: str
    dimensions: int

    def embed(self, texts: Sequence[str]) -> NDArray[float32]:
        """Return a matrix with a row per text; called from a thread."""
        ...


class WordLlamaEmbedder:
    """wordllama's small static model, whose weights are in its wheel: nothing is downloaded.

    Raises:
        PluginError: wordllama is not installed.
    """

    model = MODEL
    dimensions = DIMENSIONS

    def __init__(self) -> None:
        try:
            wordllama = _import_quietly("wordllama")
        except ImportError as error:
            raise PluginError(
                "the demo needs wordllama, which makes the embeddings",
                hint="Run `pip install polystore-core[demo]`",
            ) from error
        self._model: Any = wordllama.WordLlama.load(
            cache_dir=Path(wordllama.__file__).parent, disable_download=True
        )

    def embed(self, texts: Sequence[str]) -> NDArray[float32]:
        """Return a matrix with a row per text."""
        return np.asarray(self._model.embed(list(texts)), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Embedded:
    """A row per text, and how many of them were computed and how many the cache had."""

    vectors: NDArray[float32]
    computed: int
    cached: int


async def embed_cached(embedder: Embedder, cache: KVStore, texts: Sequence[str]) -> Embedded:
    """Return the vectors of `texts`, computing (in a thread) and storing those not yet cached."""
    keys = [_cache_key(embedder.model, text) for text in texts]
    vectors = np.zeros((len(texts), embedder.dimensions), dtype=np.float32)
    missing: dict[str, list[int]] = {}
    for row, value in enumerate(await cache.get_many(keys)):
        if isinstance(value, bytes) and len(value) == vectors[row].nbytes:
            vectors[row] = np.frombuffer(value, dtype="<f4")
        else:
            missing.setdefault(keys[row], []).append(row)
    if missing:
        asked = [texts[rows[0]] for rows in missing.values()]
        computed = await asyncio.to_thread(embedder.embed, asked)
        for rows, vector in zip(missing.values(), computed, strict=True):
            vectors[rows] = vector
        packed = computed.astype("<f4", copy=False)
        await cache.put_many(
            (key, vector.tobytes()) for key, vector in zip(missing, packed, strict=True)
        )
    computed_rows = sum(map(len, missing.values()))
    return Embedded(vectors, computed_rows, len(texts) - computed_rows)


def _cache_key(model: str, text: str) -> str:
    return hashlib.sha256(f"{model}\x00{text}".encode()).hexdigest()


def _import_quietly(name: str) -> Any:
    """Import a module that sets up logging for the whole process, and undo that."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        return importlib.import_module(name)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
