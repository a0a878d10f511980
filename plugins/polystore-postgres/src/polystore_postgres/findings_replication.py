"""What doctor sees of standbys: the one that is read from, and those that follow this server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from polystore.errors import PolystoreError
from polystore.types.reports import Finding
from polystore_postgres.byte_sizes import in_words
from polystore_postgres.sqlfile import block

if TYPE_CHECKING:
    from polystore.types.reports import Severity
    from polystore_postgres.pool import Pool
    from polystore_postgres.replica import Replica

_FAR_BEHIND: Final = 64 * 2**20
"""Bytes of the log that a standby has yet to replay."""
_LONG_AGO: Final = 60.0
"""Seconds since a standby that is behind replayed anything."""


async def replication_findings(pool: Pool) -> list[Finding]:
    """Return how far behind the primary its standbys are, and what keeps its log from going.

    Args:
        pool: An open pool.
    """
    findings: list[Finding] = []
    if pool.replica is not None:
        findings.append(await _replica(pool, pool.replica))
    if pool.facts.read_only:
        return findings  # the log's end is known to the primary only
    rows = await pool.fetch(block("doctor.sql", "standbys"))
    findings += [_standby(pool.backend, row) for row in rows]
    rows = await pool.fetch(block("doctor.sql", "idle_slots"))
    findings += [_idle_slot(pool.backend, row) for row in rows]
    return findings


async def _replica(pool: Pool, replica: Replica) -> Finding:
    counts = f"{replica.reads} reads answered there, {replica.fallbacks} by the primary instead"
    there = replica.pool
    try:
        if there is None or replica.error is not None:
            return _out_of_reach(pool.backend, replica, counts)
        end: str = "0/0"
        if not pool.facts.read_only:
            end = await pool.fetchval("SELECT pg_current_wal_lsn()::text")
        limit = replica.settings.timeout
        row: Any = await there.fetchrow(block("doctor.sql", "replica"), end, timeout=limit)
        if replica.freshness is not None:
            await replica.freshness.look(there)
    except PolystoreError as error:
        replica.failed(error)
        return _out_of_reach(pool.backend, replica, counts)
    severity, text, action = _state(row)
    fresh = replica.freshness
    if severity == "ok" and fresh is not None and fresh.age > fresh.limit:
        severity, action = "warning", "See whether it replays (pg_wal_replay_resume) and keeps up"
        text += f", and older than replica.max_lag ({fresh.limit:g} s), so reads go to the primary"
    return Finding(pool.backend, "replica", severity, f"the replica {text}; {counts}", None, action)


def _state(row: Any) -> tuple[Severity, str, str | None]:
    if not row["standby"]:
        return (
            "warning",
            "takes writes itself: it was promoted, or never was a standby",
            "Let replica.dsn name a standby of the server that dsn names",
        )
    behind = f"is {in_words(row['behind'])} behind"
    if not row["streaming"]:
        return (
            "warning",
            f"receives nothing from its primary and {behind}",
            "Look at primary_conninfo and the log of the standby",
        )
    if row["behind"] > _FAR_BEHIND or (row["behind"] and row["seconds"] > _LONG_AGO):
        text = f"{behind}, and replayed its last transaction {row['seconds']:.0f} s ago"
        return "warning", text, "See whether it replays (pg_wal_replay_resume) and keeps up"
    return "ok", behind, None


def _out_of_reach(backend: str, replica: Replica, counts: str) -> Finding:
    return Finding(
        backend,
        "replica",
        "warning",
        f"the replica is out of reach, so reads go to the primary ({counts}): {replica.error}",
        action="Start it, or correct replica.dsn; reads go back to it by themselves",
    )


def _standby(backend: str, row: Any) -> Finding:
    name = row["name"] or "without a name"
    if row["behind"] is None:
        text = f"standby {name}: how far behind it is, this user may not see"
        return Finding(
            backend, "standby", "info", text, action="GRANT pg_read_all_stats to the user"
        )
    text = f"standby {name} ({row['sync_state']}) is {in_words(row['behind'])} behind"
    far = row["behind"] > _FAR_BEHIND
    return Finding(
        backend,
        "standby",
        "warning" if far else "ok",
        text,
        action="See whether it keeps up with the writes, and its log" if far else None,
    )


def _idle_slot(backend: str, row: Any) -> Finding:
    return Finding(
        backend,
        "replication_slot",
        "warning",
        f"replication slot {row['name']} is used by nobody, and holds {in_words(row['held'])} "
        "of log",
        action="Start what used it, or SELECT pg_drop_replication_slot(its name): the log of the "
        "server grows until the disk is full",
    )
