"""Of the suites on broken backends only those tests run that have to catch the fault."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        cls = item.cls if isinstance(item, pytest.Function) else None
        selected: set[str] | None = getattr(cls, "selected", None)
        wanted = (
            selected is None
            or item.name in selected
            or (isinstance(item, pytest.Function) and item.originalname in selected)
        )
        (kept if wanted else dropped).append(item)
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept
