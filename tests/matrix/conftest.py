"""The combinations as fixtures, and the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from matrix.combinations import COMBINATIONS, config_of
from matrix.program import run

if TYPE_CHECKING:
    from pathlib import Path

    from matrix.answers import Answer

MEMORY: dict[str, Any] = {"backends": {"main": {"use": "memory", "shared": "the reference"}}}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def reference() -> dict[str, Answer]:
    """What the reference backend answers."""
    return await run(MEMORY)


@pytest.fixture(params=COMBINATIONS)
def combination(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """The configuration of each combination in turn."""
    return config_of(COMBINATIONS[request.param], request, tmp_path)
