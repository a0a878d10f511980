"""The block of a `use: neo4j` backend."""

from __future__ import annotations

import re
from typing import Final, Self
from urllib.parse import urlsplit

from pydantic import (
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from polystore.config import BackendConfig
from polystore.config.sections import Section, TlsFiles
from polystore.specs import Duration
from polystore.types.addresses import TlsAddress

_NAMESPACE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_SCHEMES: Final = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")
_PORT: Final = 7687


class TlsConfig(TlsFiles):
    """Encrypted connections whose certificate and name are always checked."""

    key_password: SecretStr | None = Field(default=None, description="Password of the private key.")


class PoolConfig(Section):
    """How many connections there are to each server."""

    max: int = Field(default=20, ge=1, le=10_000, description="Connections at most.")
    acquire_timeout: Duration = Field(
        default=30, description="How long a call waits for a free connection."
    )
    max_lifetime: Duration = Field(
        default=3600, description="A connection is not used for longer than this."
    )


class Neo4jConfig(BackendConfig):
    """Where the server is and how to talk to it."""

    uri: str = Field(
        description="neo4j://host:port finds a cluster's members, bolt://host:port is one server; "
        "with +s they use TLS."
    )
    username: str = Field(default="neo4j", description="User.")
    password: SecretStr | None = Field(default=None, description="Password. null: no login.")
    database: str | None = Field(default=None, description="Database. null: the user's own.")
    namespace: str = Field(
        default="polystore",
        description="What names of labels, types and constraints begin with.",
    )
    tls: TlsConfig | None = Field(
        default=None, description="Own authority or client certificate; with neo4j:// or bolt://."
    )
    pool: PoolConfig = PoolConfig()
    connect_timeout: Duration = Field(
        default=10, description="How long one attempt to connect may take."
    )

    @field_validator("namespace")
    @classmethod
    def _plain(cls, namespace: str) -> str:
        if not _NAMESPACE.fullmatch(namespace):
            raise ValueError("has 1 to 40 letters, digits and _, beginning with a letter")
        return namespace

    @field_validator("uri")
    @classmethod
    def _known(cls, uri: str) -> str:
        try:
            parts = urlsplit(uri)
            port = parts.port
        except ValueError:
            raise ValueError("is no address: neo4j://host:7687") from None
        if parts.scheme not in _SCHEMES:
            raise ValueError(f"must begin with one of: {', '.join(f'{s}://' for s in _SCHEMES)}")
        if parts.username is not None or parts.password is not None:
            raise ValueError("takes no user and password: they are keys of this block")
        if not parts.hostname or port == 0:
            raise ValueError("names no host: neo4j://host:7687")
        return uri

    @model_validator(mode="after")
    def _one_tls(self) -> Self:
        if self.tls is not None and "+" in urlsplit(self.uri).scheme:
            raise ValueError("tls goes with neo4j:// or bolt://: what +s and +ssc trust is fixed")
        return self

    def tls_addresses(self) -> list[TlsAddress]:
        """Return where the server presents its certificate; of a cluster the named member."""
        parts = urlsplit(self.uri)
        if not self.encrypted or parts.hostname is None:
            return []
        files = self.tls or TlsConfig()
        secret = files.key_password.get_secret_value() if files.key_password else None
        port = parts.port or _PORT
        return [
            TlsAddress(parts.hostname, port, cert=files.cert, key=files.key, key_password=secret)
        ]

    @property
    def encrypted(self) -> bool:
        """Whether connections use TLS."""
        return self.tls is not None or "+" in urlsplit(self.uri).scheme
