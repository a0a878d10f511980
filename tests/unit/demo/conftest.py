"""Fixtures of the demo's tests."""

from __future__ import annotations

import pytest

from polystore.demo.embedding import WordLlamaEmbedder


@pytest.fixture(scope="session")
def embedder() -> WordLlamaEmbedder:
    """The real model."""
    return WordLlamaEmbedder()
