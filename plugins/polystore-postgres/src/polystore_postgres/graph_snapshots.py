"""What holds an edge to its end nodes in transactions that keep a snapshot.

At `repeatable read` and `serializable` a statement does not see what others committed since the
transaction's first statement, however long it waited for the locks of `graph_locks`. So

- who writes edges locks the rows of their ends: the server refuses a row that was deleted since,
  and a node that somebody else created since cannot be created again;
- who deletes nodes may not see all their edges, and nothing in its own transaction can show
  them. It asks over another connection, while its locks keep further edges away.

Either way the transaction fails as any other that came too late, and can be repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from polystore_postgres.connection import Connection
    from polystore_postgres.graph_sql import GraphSql
    from polystore_postgres.pool import Pool

_LOOKING = {"lock_timeout": "5s"}
"""Reading waits for nobody, except behind a change of the table that itself waits for us."""

_FAIL = """DO $$ BEGIN
    RAISE EXCEPTION 'edges of these nodes were stored since this transaction began'
        USING ERRCODE = 'serialization_failure';
END $$"""
"""Raised by the server, so that the transaction cannot be committed any more."""


async def refuse_unseen(
    pool: Pool,
    connection: Connection,
    sql: GraphSql,
    workspace: str,
    ids: Collection[str] | None,
) -> None:
    """Fail the transaction if nodes that it deleted have edges that it did not see.

    Args:
        pool: Gives the other connection.
        connection: Of the transaction; it has deleted all edges of the nodes that it sees, and
            holds the nodes' locks alone.
        sql: The store's statements.
        workspace: The tenant.
        ids: Which nodes; None: all of the workspace.
    """
    own = await connection.fetchval("SELECT pg_current_xact_id()::xid::text")
    async with pool.spare({**_LOOKING, **(pool.tenant(workspace) or {})}) as other:
        if ids is None:
            unseen = await other.fetchval(sql["has_any_other_edges"], workspace, own)
        else:
            unseen = await other.fetchval(sql["has_other_edges"], workspace, own, ids)
    if unseen:
        await connection.execute(_FAIL)
