"""Writing in transactions that keep a snapshot.

An upsert of a row that somebody else deleted since the snapshot inserts it anew: it would undo
what the transaction never saw, which would then see both the old row and the new one. Locking
what it sees first makes that a conflict, as the server does by itself for rows that were changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore_postgres.calls import keeps_snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.types.call import Call
    from polystore_postgres.pool import Pool


async def hold_rows(pool: Pool, call: Call, table: str, column: str, keys: Sequence[str]) -> None:
    """Lock the rows of `keys` that `call` sees; nothing to do where it keeps no snapshot.

    Args:
        pool: The pool.
        call: Says the tenant, and the unit of work, if any.
        table: Quoted, with its schema.
        column: The column of the keys.
        keys: Those about to be written.

    Raises:
        Conflict: One of them was changed or deleted since the snapshot.
    """
    if not keeps_snapshot(call):
        return
    await pool.writing(call).fetchval(
        f"SELECT count(*) FROM (SELECT FROM {table} "  # noqa: S608  our own names
        f"WHERE workspace = $1 AND {column} = ANY ($2::text[]) "
        f"ORDER BY {column} FOR NO KEY UPDATE) AS held",
        call.workspace,
        keys,
    )
