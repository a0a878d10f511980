"""How large a workspace's part of a table is, without reading it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polystore.types.call import Call
    from polystore_postgres.pool import Pool


async def estimated_size(pool: Pool, call: Call, table: str) -> int:
    """Return about how many bytes a workspace takes in a table, indexes included.

    Args:
        pool: The pool.
        call: Says the workspace.
        table: The table's name, quoted, with its schema.
    """
    # The workspace's share of the rows, of a table whose rows the server itself has estimated.
    sql = f"""
        SELECT (c.size * (w.rows / greatest(c.rows, w.rows, 1)))::bigint
          FROM (SELECT sum(pg_total_relation_size(p.oid)) AS size,
                       sum(greatest(p.reltuples, 0)) AS rows
                  FROM pg_class AS p
                 WHERE p.oid = $2::text::regclass OR p.oid IN (
                       SELECT inhrelid FROM pg_inherits WHERE inhparent = $2::text::regclass)
               ) AS c,
               (SELECT count(*)::float8 AS rows FROM {table} WHERE workspace = $1) AS w"""  # noqa: S608  a quoted name
    return await pool.reading(call).fetchval(sql, call.workspace, table)
