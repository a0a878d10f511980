"""Whether a server's clock and ours agree: times and times to live are by the one or the other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from polystore.types.reports import Finding

if TYPE_CHECKING:
    from polystore.backend import Backend

TOLERATED: Final = 1.0
"""Seconds that two clocks may differ before it is worth a warning."""


async def clock_skew(backend: Backend[Any]) -> list[Finding]:
    """Return a finding about the clock of a backend's server; [] where it tells no time.

    The server's answer was true at some moment between question and answer, so what is told is the
    least by which the clocks differ.
    """
    asked = datetime.now(UTC)
    there = await backend.server_time()
    answered = datetime.now(UTC)
    if there is None:
        return []
    ahead = (there - answered).total_seconds()
    behind = (asked - there).total_seconds()
    if max(ahead, behind) <= TOLERATED:
        within = max((answered - there).total_seconds(), (there - asked).total_seconds(), 0.0)
        text = f"its clock is within {within * 1000:.0f} ms of this machine's"
        return [Finding(backend.name, "clock", "ok", text)]
    seconds, word = (ahead, "ahead of") if ahead > behind else (behind, "behind")
    return [
        Finding(
            backend.name,
            "clock",
            "warning",
            f"its clock is {seconds:.1f} s {word} this machine's: times in records, and ends of "
            "what expires, are as far from what is expected here",
            action="Synchronize both by NTP (chronyc tracking, timedatectl)",
        )
    ]
