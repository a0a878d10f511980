"""The plugin: what `use: postgres` means. Imports no driver."""

from __future__ import annotations

from polystore.backend import BackendInfo
from polystore.plugins.hookspecs import hookimpl
from polystore_postgres.capabilities import AT_LEAST, AT_MOST
from polystore_postgres.config import PostgresConfig
from polystore_postgres.example import EXAMPLE
from polystore_postgres.options import check_options


@hookimpl
def polystore_backends() -> BackendInfo:
    """Return the PostgreSQL backend; embedded, it serves where nothing is configured."""
    return BackendInfo(
        name="postgres",
        config=PostgresConfig,
        backend="polystore_postgres.backend:PostgresBackend",
        at_most=AT_MOST,
        at_least=AT_LEAST,
        check_store=check_options,
        example=EXAMPLE,
        default_settings={"embedded": True},
        description="PostgreSQL with pgvector: all four kinds in one database, or embedded",
    )
