"""What doctor sees of the tables and of who uses them: waste, size, rights, pressure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from polystore.types.reports import Finding
from polystore_postgres.byte_sizes import in_words
from polystore_postgres.kinds import KINDS
from polystore_postgres.sqlfile import block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.specdiff import StoredSpec
    from polystore_postgres.names import Names
    from polystore_postgres.pool import Pool

_LARGE: Final = 8 * 2**20
"""Bytes from which on an index that nobody uses is worth a word."""
_DAY: Final = 86_400.0
_LONG: Final = _DAY
"""Seconds that the server has to have counted before an index is called unused."""
_DEAD: Final = 10_000
_DEAD_SHARE: Final = 0.3
_MUCH: Final = 0.8


async def table_findings(pool: Pool, names: Names, stored: Sequence[StoredSpec]) -> list[Finding]:
    """Return what is worth knowing of the tables of `stored`.

    Args:
        pool: An open pool.
        names: The names in the schema.
        stored: The stores that exist.
    """
    owners = {
        table: store.spec.name
        for store in stored
        for table in KINDS[store.spec.kind].tables(store, names)
    }
    findings = [*_user(pool), await _connections(pool)]
    place = (names.schema, list(owners))
    backend = pool.backend
    findings += [
        _rights(backend, row, owners[row["name"]], names)
        for row in await pool.fetch(block("doctor.sql", "privileges"), *place)
        if row["missing"]
    ]
    findings += [
        _unused(backend, row, owners[row["table_name"]], names)
        for row in await pool.fetch(block("doctor.sql", "unused_indexes"), *place, _LARGE)
        if row["seconds"] >= _LONG
    ]
    findings += [
        _dead(backend, row, owners[row["name"]], names)
        for row in await pool.fetch(block("doctor.sql", "dead_rows"), *place)
        if row["dead"] > _DEAD and row["dead"] > _DEAD_SHARE * row["live"]
    ]
    row: Any = await pool.fetchrow(block("doctor.sql", "near_size"), *place)
    if row["size"]:
        findings.append(_memory(backend, row))
    return findings


def _user(pool: Pool) -> list[Finding]:
    facts = pool.facts
    if not facts.superuser or pool.config.embedded:
        return []
    return [
        Finding(
            pool.backend,
            "privileges",
            "warning",
            f"user {facts.user!r} is a superuser: a mistake or an injected statement may do all",
            action="Let dsn name a user with rights on the schema only, and admin_dsn its owner",
        )
    ]


async def _connections(pool: Pool) -> Finding:
    row: Any = await pool.fetchrow(block("doctor.sql", "connections"))
    room = row["most"] - row["reserved"]
    full = row["used"] > _MUCH * room
    return Finding(
        pool.backend,
        "connections_used",
        "warning" if full else "ok",
        f"{row['used']} of the server's {room} connections are in use",
        action="Lower pool.max of the programs, raise max_connections, or put PgBouncer in front"
        if full
        else None,
    )


def pool_findings(pool: Pool) -> list[Finding]:
    """Return what is worth knowing of the pool just now: ask before anything waits for it."""
    stats = pool.stats()
    if not stats.waiting:
        return []
    return [
        Finding(
            pool.backend,
            "pool",
            "warning",
            f"{stats.waiting} calls wait for one of the pool's {stats.maximum} connections",
            action="Raise pool.max, or do less at the same time",
        )
    ]


def _rights(backend: str, row: Any, store: str, names: Names) -> Finding:
    missing = ", ".join(row["missing"])
    return Finding(
        backend,
        "privileges",
        "error",
        f"the user may not {missing} on {row['name']}",
        store=store,
        action=f"GRANT {missing} ON {names.qualify(row['name'])} TO the user",
    )


def _unused(backend: str, row: Any, store: str, names: Names) -> Finding:
    days = row["seconds"] / _DAY
    return Finding(
        backend,
        "unused_index",
        "info",
        f"index {names.qualify(row['name'])} ({in_words(row['size'])}) was not used in the "
        f"{days:.0f} days that the server has counted",
        store=store,
        action="If nothing needs the field, do not declare it in the next store",
    )


def _dead(backend: str, row: Any, store: str, names: Names) -> Finding:
    return Finding(
        backend,
        "dead_rows",
        "warning",
        f"{row['name']} has {row['dead']:,} dead rows beside {row['live']:,} live ones; vacuumed "
        f"last: {row['vacuumed'] or 'never'}",
        store=store,
        action=f"VACUUM {names.qualify(row['name'])}; look for long transactions and at autovacuum",
    )


def _memory(backend: str, row: Any) -> Finding:
    text = (
        f"the indexes for nearness have {in_words(row['size'])}; shared_buffers is "
        f"{in_words(row['buffers'])}, effective_cache_size {in_words(row['cache'])}"
    )
    too_large = row["size"] > max(row["buffers"], row["cache"])
    return Finding(
        backend,
        "index_memory",
        "warning" if too_large else "ok",
        text,
        action="Searches will read from disk: more memory, or index: {quantization: half}"
        if too_large
        else None,
    )
