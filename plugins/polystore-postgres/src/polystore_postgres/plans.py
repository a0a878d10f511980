"""Query plans, and what they say about how a question is answered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from polystore.types.reports import Explanation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore_postgres.lanes import Reads

_READS_ALL: Final = re.compile(r"Seq Scan on |^\s*Filter: |^\s*(?:->\s+)?Sort\b")


async def explain_statement(
    lane: Reads, operation: str, sql: str, values: Sequence[object]
) -> Explanation:
    """Return how the server would carry out a statement.

    `access` is `exact` where rows are read only to be passed over or sorted.
    """
    rows = await lane.fetch(f"EXPLAIN (FORMAT TEXT) {sql}", *values)
    detail = tuple(row[0] for row in rows)
    reads_all = any(_READS_ALL.search(line) for line in detail)
    return Explanation(operation, "native", "exact" if reads_all else "index", detail)
