"""The plugin: what `use: postgres` means. Imports no driver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.backend import BackendInfo
from polystore.plugins.hookspecs import hookimpl
from polystore_postgres.capabilities import AT_LEAST, AT_MOST
from polystore_postgres.config import PostgresConfig
from polystore_postgres.example import EXAMPLE
from polystore_postgres.options import check_options
from polystore_postgres.schema_vector import check_dimensions

if TYPE_CHECKING:
    from polystore.specs import StoreSpec


@hookimpl
def polystore_backends() -> BackendInfo:
    """Return the PostgreSQL backend; embedded, it serves where nothing is configured."""
    return BackendInfo(
        name="postgres",
        config=PostgresConfig,
        backend="polystore_postgres.backend:PostgresBackend",
        at_most=AT_MOST,
        at_least=AT_LEAST,
        check_store=check_store,
        example=EXAMPLE,
        default_settings={"embedded": True},
        description="PostgreSQL with pgvector: all four kinds in one database, or embedded",
    )


def check_store(spec: StoreSpec) -> None:
    """Check what can be known of a store without a server.

    Raises:
        ConfigError: An option is unknown or out of range.
        UnsupportedError: A vector store has more dimensions than can be stored or indexed.
    """
    check_options(spec)
    if spec.kind == "vector":
        check_dimensions(spec)
