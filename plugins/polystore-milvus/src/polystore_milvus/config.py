"""The block of a `use: milvus` backend."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from polystore.config import BackendConfig
from polystore.config.sections import FolderPath, Section, TlsFiles
from polystore.specs import Duration
from polystore.types.addresses import TlsAddress

_NAMESPACE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_DATABASE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
DEFAULT_PORT: Final = 19530


class TlsConfig(TlsFiles):
    """Encrypted connections whose certificate and name are always checked."""

    server_name: str | None = Field(
        default=None, min_length=1, description="Name in the certificate, if not the uri's host."
    )


class PoolConfig(Section):
    """How much is asked of the server at the same time, over one connection."""

    max: int = Field(default=16, ge=1, le=1000, description="Calls at the same time.")


class MilvusConfig(BackendConfig):
    """Where the server is (`uri` or `embedded`) and how to talk to it."""

    uri: str | None = Field(
        default=None, description="http://host:19530, or https:// with TLS; no user and password."
    )
    embedded: bool | FolderPath = Field(
        default=False,
        description="A Milvus Lite of this machine's own: true, or the folder that holds its data.",
    )
    token: SecretStr | None = Field(default=None, description="`user:password`, or an API key.")
    username: str | None = Field(default=None, min_length=1, description="User.")
    password: SecretStr | None = Field(default=None, description="Password.")
    database: str = Field(default="default", description="Database, which has to exist.")
    namespace: str = Field(default="polystore", description="What names of collections begin with.")
    tls: TlsConfig | None = Field(
        default=None, description="Own authority or client certificate; with https://."
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

    @field_validator("database")
    @classmethod
    def _known_database(cls, database: str) -> str:
        if not _DATABASE.fullmatch(database):
            raise ValueError("has 1 to 255 letters, digits and _, not beginning with a digit")
        return database

    @field_validator("uri")
    @classmethod
    def _known(cls, uri: str | None) -> str | None:
        if uri is not None:
            _split(uri)
        return uri

    @field_validator("embedded", mode="before")
    @classmethod
    def _switch(cls, value: object) -> object:
        return Path(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.uri is None) is (self.embedded is False):
            raise ValueError("needs uri or embedded, and not both")
        login = (self.token, self.username, self.password)
        if self.embedded is not False and (any(login) or self.tls):
            raise ValueError("embedded takes no token, username, password and tls")
        if self.tls is not None and not self.secure:
            raise ValueError("tls goes with https://")
        if self.token is not None and (self.username or self.password):
            raise ValueError("token stands for username and password: give one of both")
        if (self.username is None) is not (self.password is None):
            raise ValueError("username and password belong together")
        return self

    @property
    def secure(self) -> bool:
        """Whether connections use TLS."""
        return self.uri is not None and self.uri.startswith("https://")

    def tls_addresses(self) -> list[TlsAddress]:
        """Return where the server presents its certificate."""
        if not self.secure:
            return []
        parts, files = _split(self.uri or ""), self.tls or TlsConfig()
        host, port = parts.hostname or "", parts.port or DEFAULT_PORT
        return [TlsAddress(host, port, files.server_name, cert=files.cert, key=files.key)]

    @property
    def target(self) -> str:
        """`host:port` of the server."""
        parts = _split(self.uri or "")
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{host}:{parts.port or DEFAULT_PORT}"

    @property
    def login(self) -> str | None:
        """`user:password` or a key; an empty token is none."""
        if self.token is not None:
            return self.token.get_secret_value() or None
        if self.password is not None:
            return f"{self.username}:{self.password.get_secret_value()}"
        return None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may contain."""
        login = self.login
        if not login:
            return ()
        password = login.partition(":")[2]
        return (login, password) if password else (login,)


def _split(uri: str) -> SplitResult:
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        raise ValueError("is no address: http://host:19530") from None
    if parts.scheme not in {"http", "https"}:
        raise ValueError("must begin with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("takes no user and password: they are keys of this block")
    if not parts.hostname or port == 0 or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("has host and port only: http://host:19530")
    return parts
