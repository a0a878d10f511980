"""Which workspaces have data, found by jumping through primary keys instead of reading rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore_postgres.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.specdiff import StoredSpec
    from polystore_postgres.names import Names
    from polystore_postgres.pool import Pool

_ALIVE = "expires_at IS NULL OR expires_at > clock_timestamp()"


async def list_workspaces(pool: Pool, names: Names, stores: Sequence[StoredSpec]) -> list[str]:
    """Return, in order, the workspaces that have data in any of `stores`."""
    found: set[str] = set()
    for stored in stores:
        kind = stored.spec.kind
        for prefix in KINDS[kind].prefixes:
            sql = _query(names.table(prefix, stored), expires=kind == "kv")
            rows = await pool.fetch(sql, settings=pool.everywhere)
            found.update(row["workspace"] for row in rows)
    return sorted(found)


def _query(table: str, *, expires: bool) -> str:
    there = f"EXISTS (SELECT FROM {table} AS t WHERE t.workspace = w.workspace AND ({_ALIVE}))"
    return f"""
        WITH RECURSIVE w AS (
            (SELECT workspace FROM {table} ORDER BY workspace LIMIT 1)
            UNION ALL
            SELECT (SELECT t.workspace FROM {table} AS t
                     WHERE t.workspace > w.workspace ORDER BY t.workspace LIMIT 1)
              FROM w WHERE w.workspace IS NOT NULL
        )
        SELECT workspace FROM w
         WHERE workspace IS NOT NULL AND {there if expires else "true"}"""  # noqa: S608  a quoted name
