"""The block of a `use: postgres` backend."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)

from polystore.config.models import BackendConfig
from polystore.config.sections import FolderPath, ReadablePath, Section
from polystore.specs import Duration
from polystore.types.addresses import TlsAddress
from polystore_postgres.dsn import Target, parse_dsn

if TYPE_CHECKING:
    from collections.abc import Iterator

SslMode: TypeAlias = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_MAX_IDENTIFIER = 63
_PORT = 5432
_SSL_REQUEST = bytes.fromhex("00000008 04d2162f")
"""What the protocol begins with, and not TLS itself: whether the server wants it."""
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_NO_PARAMETERS = (
    "user", "database", "replication", "client_encoding", "standard_conforming_strings",
)  # fmt: skip
DEFAULT_SCHEMA = "polystore"


def _valid_dsn(secret: SecretStr) -> SecretStr:
    mode = parse_dsn(secret.get_secret_value()).sslmode
    if mode is not None and mode not in _SSL_MODES:
        raise ValueError(f"sslmode of the address must be one of: {', '.join(_SSL_MODES)}")
    return secret


Dsn: TypeAlias = Annotated[SecretStr, AfterValidator(_valid_dsn)]

ServerSize: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,8}(kB|MB|GB|TB)$")]
"""As the server writes its own settings."""


class PoolConfig(Section):
    """How many connections there are, and how long things on them may take."""

    min: int = Field(default=1, ge=0, description="Connections kept open while idle.")
    max: int = Field(default=10, ge=1, le=10_000, description="Connections at most.")
    acquire_timeout: Duration = Field(
        default=30, description="How long a call waits for a free connection."
    )
    command_timeout: Duration = Field(default=60, description="How long one statement may take.")
    idle_timeout: Duration = Field(
        default=300, description="A connection above `min` is closed after being idle for so long."
    )
    statement_cache: int = Field(
        default=100, ge=0, description="Prepared statements per connection."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min ({self.min}) is greater than max ({self.max})")
        return self


class ConnectConfig(Section):
    """Patience with a server that is not there yet."""

    timeout: Duration = Field(default=10, description="How long one attempt to connect may take.")
    retries: int = Field(default=5, ge=0, le=100, description="Further attempts at start-up.")
    backoff: Duration = Field(
        default=0.2, description="Pause before the second attempt; it doubles, with jitter."
    )


class SslConfig(Section):
    """TLS as libpq means it; what is not given comes from the address or libpq's defaults."""

    mode: SslMode | None = Field(
        default=None, description="verify-full checks certificate and name."
    )
    root_cert: ReadablePath | None = Field(default=None, description="Certificates to trust (PEM).")
    cert: ReadablePath | None = Field(default=None, description="The client's certificate (PEM).")
    key: ReadablePath | None = Field(default=None, description="The client's private key (PEM).")
    key_password: SecretStr | None = Field(default=None, description="Password of the private key.")
    crl: ReadablePath | None = Field(default=None, description="Revoked certificates (PEM).")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.key is not None and self.cert is None:
            raise ValueError("key needs cert, the certificate that belongs to it")
        checks = self.root_cert is not None or self.crl is not None
        if checks and self.mode in ("disable", "allow", "prefer"):
            raise ValueError(f"mode {self.mode!r} checks no certificate; say verify-full")
        return self

    def libpq(self) -> dict[str, str]:
        """Return what is given under libpq's names."""
        secret = self.key_password.get_secret_value() if self.key_password else None
        given = {
            "sslrootcert": self.root_cert,
            "sslcert": self.cert,
            "sslkey": self.key,
            "sslpassword": secret,
            "sslcrl": self.crl,
        }
        return {key: str(value) for key, value in given.items() if value is not None}


class ReplicaConfig(Section):
    """A standby for reads that need not be current."""

    dsn: Dsn = Field(description="Address of the standby.")
    timeout: Duration = Field(
        default=1, description="How long a read may take there before the primary is asked."
    )
    pause: Duration = Field(
        default=10, description="How long it is left alone after it was out of reach."
    )
    max_lag: Duration | None = Field(
        default=None,
        description="How old its answers may be; the primary is asked while they may be older. "
        "null: any age.",
    )


class PostgresConfig(BackendConfig):
    """PostgreSQL 14 or later, reached by an address or embedded.

    Exactly one of `dsn` and `embedded` is given.
    """

    dsn: Dsn | None = Field(
        default=None, description="libpq URL or keyword string, also with several hosts."
    )
    embedded: bool = Field(default=False, description="Run a PostgreSQL of our own in `path`.")
    path: FolderPath = Field(
        default=Path(".polystore"), description="Folder of the embedded server."
    )
    namespace: str = Field(
        default=DEFAULT_SCHEMA, description="The SQL schema that holds every table of this backend."
    )
    pool: PoolConfig = Field(default=PoolConfig())
    connect: ConnectConfig = Field(default=ConnectConfig())
    ssl: SslConfig = Field(default=SslConfig())
    pgbouncer: bool = Field(
        default=False, description="Safe behind a pooler in transaction mode: no session state."
    )
    admin_dsn: Dsn | None = Field(
        default=None, description="Address for schema work, with more rights or past the pooler."
    )
    row_level_security: bool = Field(
        default=False, description="The server keeps workspaces apart, by policies on the tables."
    )
    replica: ReplicaConfig | None = Field(
        default=None,
        description='A standby by streaming, read from with `consistency="eventual"`.',
    )
    index_memory: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,8}(kB|MB|GB|TB)$")] = (
        Field(
            default="1GB",
            description="Memory of the server that building an index for nearness may take, in the "
            "server's units. A graph (HNSW) that needs more is built many times more slowly.",
        )
    )
    application_name: str = Field(default="polystore", description="As the server's views show it.")
    server_settings: dict[str, str] = Field(
        default_factory=dict[str, str], description="Server parameters for every session."
    )

    @field_validator("namespace")
    @classmethod
    def _valid_schema(cls, name: str) -> str:
        size = len(name.encode(errors="replace"))
        if not name or "\0" in name or not name.isprintable() or size > _MAX_IDENTIFIER:
            raise ValueError(f"a schema's name is 1 to {_MAX_IDENTIFIER} bytes, and printable")
        if name.startswith("pg_") or name == "information_schema":
            raise ValueError("that name is reserved by PostgreSQL")
        return name

    @field_validator("server_settings")
    @classmethod
    def _valid_settings(cls, settings: dict[str, str]) -> dict[str, str]:
        for name, value in settings.items():
            if not _PARAMETER.fullmatch(name) or "\0" in value:
                raise ValueError("a server parameter's name is letters, digits, _ and .")
            if name.lower() in _NO_PARAMETERS:
                raise ValueError(f"{name} cannot be set here; the dsn says it, or polystore does")
        return settings

    @model_validator(mode="after")
    def _one_server(self) -> Self:
        if self.embedded and self.dsn is not None:
            raise ValueError("give either dsn or embedded: true, not both")
        if not self.embedded and self.dsn is None:
            raise ValueError("give a dsn, or embedded: true")
        if self.embedded and (self.ssl != SslConfig() or self.pgbouncer or self.admin_dsn):
            raise ValueError("ssl, pgbouncer and admin_dsn make no sense with embedded: true")
        if self.embedded and self.replica is not None:
            raise ValueError("replica makes no sense with embedded: true")
        if self.row_level_security:
            self._check_security()
        self._check_ssl_mode()
        return self

    def _check_security(self) -> None:
        if self.embedded:
            raise ValueError(
                "row_level_security makes no sense with embedded: true, whose user may do all"
            )
        if self.pgbouncer and self.admin_dsn is None:
            raise ValueError("row_level_security behind a pooler needs an admin_dsn past it")

    def _check_ssl_mode(self) -> None:
        if self.ssl.root_cert is None and self.ssl.crl is None:
            return
        mode = self.ssl.mode or (self.target().sslmode if self.dsn is not None else None)
        if mode in (None, "disable", "allow", "prefer"):
            raise ValueError("ssl.root_cert has no effect without a mode; say mode: verify-full")

    def target(self, *, admin: bool = False) -> Target:
        """Return the parsed address.

        Args:
            admin: The one for schema work, where one is given.
        """
        dsn = self.admin_dsn if admin and self.admin_dsn is not None else self.dsn
        return parse_dsn(dsn.get_secret_value()) if dsn is not None else Target()

    def tls_addresses(self) -> list[TlsAddress]:
        """Return where servers may present certificates: of `dsn`, and of the replica."""
        targets = [self.target()]
        if self.replica is not None:
            targets.append(parse_dsn(self.replica.dsn.get_secret_value()))
        return [place for target in targets for place in self._presenting(target)]

    def _presenting(self, target: Target) -> Iterator[TlsAddress]:
        if (self.ssl.mode or target.sslmode) == "disable":
            return
        files = target.ssl_files | self.ssl.libpq()
        ports = target.ports or (_PORT,)
        for number, host in enumerate(target.hosts):
            if host and not host.startswith(("/", "@")):  # a Unix socket
                yield TlsAddress(
                    host,
                    ports[min(number, len(ports) - 1)],
                    question=_SSL_REQUEST,
                    consent=b"S",
                    cert=Path(files["sslcert"]) if "sslcert" in files else None,
                    key=Path(files["sslkey"]) if "sslkey" in files else None,
                    key_password=files.get("sslpassword"),
                )

    def secrets(self) -> tuple[str, ...]:
        """Return every password, so that messages can be checked for them."""
        found = [self.target().plain.get("password"), self.target(admin=True).plain.get("password")]
        if self.ssl.key_password is not None:
            found.append(self.ssl.key_password.get_secret_value())
        return tuple({secret for secret in found if secret})
