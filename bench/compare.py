"""A guard against getting slower: the ratios of this run beside those of an earlier one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.measure import Result

_WORSE = 0.9
"""Of the earlier ratio: what falls below is slower, if the rounds of the two runs lie apart."""


@dataclass(frozen=True, slots=True)
class Slower:
    """An operation whose ratio fell."""

    operation: str
    before: float
    now: float


def earlier(file: Path) -> dict[str, dict[str, Any]]:
    """Return what `--json` wrote into a file, by operation; of several runs the last."""
    lines = map(orjson.loads, file.read_bytes().splitlines())
    return {line["operation"]: line for line in lines}


def slower(results: Sequence[Result], before: dict[str, dict[str, Any]]) -> list[Slower]:
    """Return the operations that got slower beside the driver.

    Ratios, not speeds: both sides of a run had the same machine at the same time. A fall counts
    where even the best round of now is behind the worst of then, so that a busy moment does not.
    """
    found: list[Slower] = []
    for result in results:
        line = before.get(result.case.name)
        if line is None:
            continue
        apart = result.ratio_range[1] < line["ratio_range"][0]
        if apart and result.ratio < _WORSE * line["ratio"]:
            found.append(Slower(result.case.name, line["ratio"], result.ratio))
    return found
