"""The clock of a server, compared with ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from typing_extensions import override

from polystore.health.clock import clock_skew
from polystore_memory.backend import MemoryBackend
from polystore_memory.config import MemoryConfig


class Shifted(MemoryBackend):
    """A backend whose clock is wrong."""

    shift = timedelta()

    @override
    async def server_time(self) -> datetime:
        return datetime.now(UTC) + self.shift


def shifted(seconds: float) -> Shifted:
    backend = Shifted("main", MemoryConfig.model_validate({}))
    backend.shift = timedelta(seconds=seconds)
    return backend


@pytest.mark.parametrize(("seconds", "told"), [(90, " s ahead of this"), (-3600, " s behind this")])
async def test_a_wrong_clock_is_a_warning(seconds: float, told: str) -> None:
    [finding] = await clock_skew(shifted(seconds))
    assert (finding.backend, finding.check, finding.severity) == ("main", "clock", "warning")
    assert told in finding.message
    assert "NTP" in (finding.action or "")


async def test_a_right_clock_is_well() -> None:
    [finding] = await clock_skew(shifted(0))
    assert finding.severity == "ok"
    assert "within" in finding.message


async def test_who_tells_no_time_is_not_judged() -> None:
    assert await clock_skew(MemoryBackend("main", MemoryConfig.model_validate({}))) == []
