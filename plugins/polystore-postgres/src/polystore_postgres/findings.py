"""What doctor sees in a server: versions, indexes, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from polystore.types.reports import Finding
from polystore_postgres.findings_replication import replication_findings
from polystore_postgres.findings_tables import pool_findings, table_findings
from polystore_postgres.kinds import KINDS
from polystore_postgres.online import index_states, ready_columns
from polystore_postgres.sqlfile import block
from polystore_postgres.tenants import guard_problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from polystore.specdiff import StoredSpec
    from polystore.types.reports import Severity
    from polystore_postgres.connection import ServerFacts
    from polystore_postgres.names import Names
    from polystore_postgres.pool import Pool
    from polystore_postgres.tables import TableIndex

NEWEST_TESTED: Final = 18
_VECTOR_SINCE: Final = (0, 8)
"""pgvector with iterative index scans, without which a filter starves a search."""
_SETTINGS: Final = ("fsync", "full_page_writes", "synchronous_commit", "max_connections")
_READ_SETTINGS: Final = "SELECT name, setting FROM pg_settings WHERE name = ANY($1::text[])"


async def find(pool: Pool, names: Names, stored: Sequence[StoredSpec]) -> list[Finding]:
    """Return everything worth knowing, good news included.

    Args:
        pool: An open pool.
        names: The names in the schema.
        stored: The stores that exist.
    """
    has_vectors = any(store.spec.kind == "vector" for store in stored)
    findings = [
        *pool_findings(pool),
        _version(pool.backend, pool.facts),
        _vector(pool.backend, pool.facts, needed=has_vectors),
    ]
    if pool.facts.read_only:
        findings.append(_read_only(pool.backend))
    rows = await pool.fetch(_READ_SETTINGS, list(_SETTINGS))
    settings = {row["name"]: row["setting"] for row in rows}
    findings += _settings(pool, settings)
    findings += await replication_findings(pool)
    findings += await table_findings(pool, names, stored)
    for store in stored:
        findings += await _guard(pool, names, store)
        missing = await _missing(pool, names, store)
        findings += missing or await _indexes(pool, names, store)
    return findings


def _version(backend: str, facts: ServerFacts) -> Finding:
    text = f"PostgreSQL {facts.version}"
    if facts.version_number // 10_000 <= NEWEST_TESTED:
        return Finding(backend, "version", "ok", text)
    return Finding(
        backend, "version", "info", f"{text} is newer than {NEWEST_TESTED}, the newest tested"
    )


def _vector(backend: str, facts: ServerFacts, *, needed: bool) -> Finding:
    version = facts.vector_version
    if version is not None:
        recent = tuple(int(part) for part in version.split(".")[:2]) >= _VECTOR_SINCE
        return Finding(
            backend,
            "pgvector",
            "ok" if recent else "warning",
            f"pgvector {version}" + ("" if recent else ": filtered searches are slow or short"),
            action=None if recent else "Upgrade it to 0.8, then ALTER EXTENSION vector UPDATE",
        )
    if facts.vector_available is not None:
        return Finding(
            backend,
            "pgvector",
            "info",
            f"pgvector {facts.vector_available} is available; the first vector store installs it",
        )
    return Finding(
        backend,
        "pgvector",
        "error" if needed else "info",
        "the server has no pgvector: vector stores cannot be served",
        action="Install pgvector on the server, if vector stores are wanted here",
    )


def _read_only(backend: str) -> Finding:
    return Finding(
        backend,
        "read_only",
        "error",
        "the server is a standby or default_transaction_read_only is on: writes will be refused",
        action="Connect to the primary, or turn that setting off",
    )


def _settings(pool: Pool, settings: dict[str, str]) -> Iterator[Finding]:
    for name, lost in (
        ("fsync", "a crash of the machine may destroy the database"),
        ("full_page_writes", "a crash of the machine may destroy the database"),
        ("synchronous_commit", "a crash of the server may lose the last acknowledged writes"),
    ):
        if settings[name] == "off":
            yield Finding(
                pool.backend, "settings", "warning", f"{name} is off: {lost}", action="Turn it on"
            )
    most = int(settings["max_connections"])
    severity: Severity = "warning" if pool.config.pool.max > most // 2 else "ok"
    yield Finding(
        pool.backend,
        "connections",
        severity,
        f"the pool takes up to {pool.config.pool.max} of the server's {most} connections",
        action="Lower pool.max or raise max_connections" if severity == "warning" else None,
    )


async def _guard(pool: Pool, names: Names, stored: StoredSpec) -> list[Finding]:
    wrong = await guard_problem(pool, stored, names)
    if wrong is not None:
        text, action = wrong
        check, store = "row_level_security", stored.spec.name
        return [Finding(pool.backend, check, "error", text, store=store, action=action)]
    return []


async def _missing(pool: Pool, names: Names, stored: StoredSpec) -> list[Finding]:
    """Return what somebody else took from the store: tables, or columns of declared fields."""
    kind = KINDS[stored.spec.kind]
    wanted = set(kind.tables(stored, names))
    rows = await pool.fetch(block("catalogue.sql", "tables"), names.schema, list(wanted))
    missing = [f"table {name}" for name in sorted(wanted - {row["name"] for row in rows})]
    fields = kind.load_schema().key_table(stored, names)
    if fields is not None and not missing:
        async with pool.acquire() as connection:
            ready = await ready_columns(connection, fields)
        missing = [f"column {name}" for name in fields.columns.values() if name not in ready]
    return [
        Finding(
            pool.backend,
            "tables",
            "error",
            f"{what} is missing",
            store=stored.spec.name,
            action="Restore it from a backup: `polystore apply` makes new stores and fields only",
        )
        for what in missing
    ]


async def _indexes(pool: Pool, names: Names, stored: StoredSpec) -> list[Finding]:
    indexes = KINDS[stored.spec.kind].load_schema().indexes(stored, names)
    async with pool.acquire() as connection:
        usable = await index_states(connection, names, indexes)
    broken = [
        (index, "is missing" if index.name not in usable else "is invalid")
        for index in indexes
        if not usable.get(index.name)
    ]
    if not broken:
        count = len(indexes)
        text = f"{count} declared {'index is' if count == 1 else 'indexes are'} there and valid"
        return [Finding(pool.backend, "index", "ok", text, store=stored.spec.name)]
    return [
        Finding(
            pool.backend,
            "index",
            "error",
            f"index {index.name} {problem}",
            store=stored.spec.name,
            action="Run `polystore apply`, or: " + "; ".join(_mending(names, index, problem)),
        )
        for index, problem in broken
    ]


def _mending(names: Names, index: TableIndex, problem: str) -> list[str]:
    drop = [f"DROP INDEX {names.qualify(index.name)}"] if problem == "is invalid" else []
    return drop + index.online(names.quoted)
