"""What holds an edge to its end nodes under concurrency, in place of foreign keys.

Whoever writes edges shares the locks of their end nodes, whoever deletes nodes takes theirs
alone, both before the statement that looks whether nodes or edges are there, and until the
transaction ends. So between looking and committing neither can be overtaken by the other. It
needs `read committed`, where that statement sees all that was committed before the lock came;
what the other isolation levels need besides is in `graph_snapshots`.

A lock per node would cost as much as a foreign key; so the nodes of a workspace share a few.
They are taken in order, which leaves no circle of waiting between calls. Two units of work that
both write edges and then delete nodes may still wait for one another: the server then ends one.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from polystore_postgres.connection import Connection

_STRIPES = 16
_ALL = range(_STRIPES)
_ENOUGH = 4 * _STRIPES
"""So many nodes hit nearly every lock, and hashing them would cost more than taking all."""

_SHARED = "SELECT pg_advisory_xact_lock_shared(key) FROM unnest($1::bigint[]) AS keys (key)"
_EXCLUSIVE = "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS keys (key)"


def lock_keys(table: str, workspace: str, ids: Collection[str] | None) -> list[int]:
    """Return the advisory lock keys of nodes, in the order to take them.

    Args:
        table: The store's table of nodes, with its schema.
        workspace: The tenant.
        ids: Which nodes; None: all.
    """
    digest = hashlib.blake2b(f"{table}\0{workspace}".encode(), digest_size=8).digest()
    base = int.from_bytes(digest, signed=True) // _STRIPES * _STRIPES
    if ids is None or len(ids) >= _ENOUGH:
        return [base + stripe for stripe in _ALL]
    return sorted({base + zlib.crc32(id_.encode()) % _STRIPES for id_ in ids})


async def lock_nodes(connection: Connection, keys: list[int], *, exclusive: bool) -> None:
    """Take the locks until the running transaction ends."""
    await connection.fetch(_EXCLUSIVE if exclusive else _SHARED, keys)
