"""Row-level security: the server itself lets a statement see the rows of one workspace only.

Every statement of ours runs under the setting `polystore.workspace`, which a policy on each table
compares with the row's. Who has not said whose rows are meant gets an error, not an empty answer:
so does an older program that does not know of the policies, and a query by hand. The setting may
be set by anybody, so this stops mistakes, of ours and of others, and not SQL that was injected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from polystore.errors import ConfigError, SchemaMismatch
from polystore_postgres.kinds import KINDS
from polystore_postgres.sqlfile import block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.specdiff import StoredSpec
    from polystore_postgres.connection import Connection, ServerFacts
    from polystore_postgres.names import Names
    from polystore_postgres.pool import Pool

WORKSPACE: Final = "polystore.workspace"
"""The setting that says whose rows a statement may see."""
EVERYWHERE: Final = {WORKSPACE: "of everybody", "polystore.every_workspace": "on"}
"""What work on whole tables runs under; with the second, the first does not matter."""
_LOCK_TIMEOUT: Final = "SET LOCAL lock_timeout = '10s'"
# Below a SELECT a setting is read once for a statement and not for each of its rows. Where it was
# set before it is empty and not unknown: asking for another that is unknown is an error then, too.
_POLICY: Final = """\
USING (workspace = (
    SELECT CASE current_setting('polystore.workspace')
           WHEN '' THEN current_setting('polystore.workspace_is_not_set')
           ELSE current_setting('polystore.workspace') END
) OR (SELECT current_setting('polystore.every_workspace', true)) = 'on')"""


def guard_statements(stored: StoredSpec, names: Names) -> list[str]:
    """Return what puts the policy on the tables of a store; safe to repeat."""
    statements: list[str] = []
    # On partitions, too: who reads one by its name passes by the policy of the whole.
    for name in KINDS[stored.spec.kind].tables(stored, names):
        table = names.qualify(name)
        statements += [
            f"DROP POLICY IF EXISTS polystore_workspace ON {table}",
            f"CREATE POLICY polystore_workspace ON {table} {_POLICY}",
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            # For the tables' owner, too, which a program often is.
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        ]
    return statements


async def guard(connection: Connection, stored: StoredSpec, names: Names) -> None:
    """Put the policy on the tables of a store, at once for all of them."""
    async with connection.transaction():
        await connection.execute(_LOCK_TIMEOUT)
        for statement in guard_statements(stored, names):
            await connection.execute(statement)


async def unguarded(pool: Pool, stored: StoredSpec, names: Names) -> list[str]:
    """Return the tables of a store, not quoted, that have no policy in force."""
    return [name for name, guarded in await _states(pool, stored, names) if not guarded]


async def check_guard(pool: Pool, stored: StoredSpec, names: Names) -> None:
    """Check that a store's tables are as `row_level_security` says.

    Raises:
        SchemaMismatch: They are not. Without the policy, tenants were not kept apart as promised;
            with it, a program that does not say whose rows it means is told so at every call.
    """
    wrong = await guard_problem(pool, stored, names)
    if wrong is not None:
        text, hint = wrong
        raise SchemaMismatch(text, backend=pool.backend, store=stored.spec.name, hint=hint)


async def guard_problem(pool: Pool, stored: StoredSpec, names: Names) -> tuple[str, str] | None:
    """Return how a store's tables differ from `row_level_security`, and what to do; else None."""
    states = await _states(pool, stored, names)
    open_ = sorted(name for name, guarded in states if not guarded)
    if pool.config.row_level_security and open_:
        return f"row_level_security is on, but not on {', '.join(open_)}", "Run `polystore apply`"
    if not pool.config.row_level_security and any(guarded for _, guarded in states):
        return (
            "this store's tables have row-level security, which this configuration does not use",
            "Say row_level_security: true",
        )
    return None


def check_user(facts: ServerFacts, *, backend: str) -> None:
    """Check that policies hold for the user of the pool.

    Raises:
        ConfigError: It passes all of them, as superusers do.
    """
    if facts.superuser or facts.bypasses_policies:
        why = "is a superuser" if facts.superuser else "has BYPASSRLS"
        raise ConfigError(
            f"row-level security does not hold for user {facts.user!r}, who {why}",
            backend=backend,
            hint="Let dsn name another user, and admin_dsn the one who owns the tables",
        )


async def _states(pool: Pool, stored: StoredSpec, names: Names) -> Sequence[tuple[str, bool]]:
    tables = KINDS[stored.spec.kind].tables(stored, names)
    rows = await pool.fetch(block("catalogue.sql", "guards"), names.schema, tables)
    return [(row["name"], row["guarded"]) for row in rows]
