"""The block of a `use: redis` backend."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import Annotated, Self, TypeAlias
from urllib.parse import unquote, urlsplit

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from polystore.config import BackendConfig
from polystore.config.sections import FolderPath, Section, TlsFiles
from polystore.specs import Duration
from polystore.types.addresses import TlsAddress

_ADDRESS = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[^\s:/@\[\]]+)):(?P<port>[0-9]{1,5})"
)
_NAMESPACE = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_SCHEMES = ("redis", "rediss", "unix")


def _address(text: str) -> str:
    host_and_port(text)
    return text


def host_and_port(text: str) -> tuple[str, int]:
    """Return the parts of `host:port` (or `[::1]:port`).

    Raises:
        ValueError: It is no such address.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None or not 0 < int(found["port"]) < 2**16:
        raise ValueError(f"{text!r} is no host:port")
    return found["v6"] or found["name"], int(found["port"])


Address: TypeAlias = Annotated[str, AfterValidator(_address)]


class TlsConfig(TlsFiles):
    """Encrypted connections whose certificate and name are always checked."""

    key_password: SecretStr | None = Field(default=None, description="Password of the private key.")

    def context(self) -> ssl.SSLContext:
        """Return what checks certificate and name.

        Raises:
            OSError: A file cannot be read, or holds no certificate or key.
        """
        context = ssl.create_default_context(
            cafile=None if self.root_cert is None else str(self.root_cert)
        )
        if self.cert is not None and self.key is not None:
            password = self.key_password
            context.load_cert_chain(
                self.cert, self.key, password.get_secret_value() if password else ""
            )
        return context


class PoolConfig(Section):
    """How many connections there are to each server."""

    max: int = Field(default=32, ge=1, le=10_000, description="Connections at most.")
    acquire_timeout: Duration = Field(
        default=20, description="How long a call waits for a free connection."
    )


class SentinelConfig(Section):
    """Servers that know who is the primary just now."""

    hosts: tuple[Address, ...] = Field(min_length=1, description="host:port of each Sentinel.")
    service: str = Field(min_length=1, description="Name of the primary in the Sentinels.")
    username: str | None = Field(default=None, description="User at the Sentinels.")
    password: SecretStr | None = Field(default=None, description="Password at the Sentinels.")


class RedisConfig(BackendConfig):
    """Where the server is (`url`, `cluster`, `sentinel` or `embedded`) and how to talk to it."""

    url: SecretStr | None = Field(
        default=None,
        description="redis://[user:password@]host:port[/db], rediss://... with TLS, unix://path.",
    )
    cluster: tuple[Address, ...] | None = Field(
        default=None, min_length=1, description="host:port of some nodes of a cluster."
    )
    sentinel: SentinelConfig | None = Field(default=None, description="A primary with replicas.")
    embedded: bool | FolderPath = Field(
        default=False,
        description="A Valkey of this machine's own: true, or the folder that holds its data.",
    )
    username: str | None = Field(default=None, description="User, if not in the url.")
    password: SecretStr | None = Field(default=None, description="Password, if not in the url.")
    db: int = Field(default=0, ge=0, description="Number of the database; not with `cluster`.")
    tls: TlsConfig | None = Field(
        default=None, description="Encrypt; rediss:// alone trusts the system's certificates."
    )
    namespace: str = Field(default="polystore", description="What every key begins with.")
    pool: PoolConfig = PoolConfig()
    connect_timeout: Duration = Field(
        default=5, description="How long one attempt to connect may take."
    )

    @field_validator("namespace")
    @classmethod
    def _plain(cls, namespace: str) -> str:
        if not _NAMESPACE.fullmatch(namespace):
            raise ValueError("has 1 to 60 letters, digits, _ . and -")
        return namespace

    @field_validator("url")
    @classmethod
    def _known(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            parse_url(url.get_secret_value())
        return url

    @field_validator("embedded", mode="before")
    @classmethod
    def _switch(cls, value: object) -> object:
        return Path(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        places = {
            "url": self.url is not None,
            "cluster": self.cluster is not None,
            "sentinel": self.sentinel is not None,
            "embedded": self.embedded is not False,
        }
        given = [name for name, there in places.items() if there]
        if len(given) != 1:
            told = "none is given" if not given else f"{' and '.join(given)} are given"
            raise ValueError(f"needs one of {', '.join(places)}; {told}")
        if self.cluster is not None and self.db:
            raise ValueError("a cluster has database 0 only")
        if self.embedded is not False and (self.tls or self.password or self.username or self.db):
            raise ValueError("embedded takes no username, password, db and tls")
        return self

    def tls_addresses(self) -> list[TlsAddress]:
        """Return where servers present certificates, as far as the block names them.

        Whom Sentinels name is not in it; they are, as they present one as well.
        """
        target = None if self.url is None else parse_url(self.url.get_secret_value())
        named = [*(self.cluster or ()), *(self.sentinel.hosts if self.sentinel else ())]
        places = [host_and_port(text) for text in named]
        if target is not None and target.host is not None:
            places.append((target.host, target.port))
        if self.tls is None and not (target is not None and target.tls):
            return []
        files = self.tls or TlsConfig()
        secret = files.key_password.get_secret_value() if files.key_password else None
        return [
            TlsAddress(host, port, cert=files.cert, key=files.key, key_password=secret)
            for host, port in places
        ]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every password, as no message may contain it."""
        held = [self.password, self.sentinel.password if self.sentinel else None]
        found = [secret.get_secret_value() for secret in held if secret is not None]
        if self.url is not None:
            raw = urlsplit(self.url.get_secret_value()).password
            found += [raw, unquote(raw)] if raw else []
        return tuple(secret for secret in found if secret)


class Target(Section):
    """What a url says."""

    host: str | None = None
    port: int = 6379
    path: str | None = None
    username: str | None = None
    password: SecretStr | None = None
    db: int | None = None
    tls: bool = False


def parse_url(url: str) -> Target:
    """Return the parts of a url.

    Raises:
        ValueError: It is none that we know; the message does not repeat it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("is no url: redis://[user:password@]host:port[/db]") from None
    if parts.scheme not in _SCHEMES:
        raise ValueError(f"must begin with one of: {', '.join(f'{s}://' for s in _SCHEMES)}")
    if parts.query or parts.fragment:
        raise ValueError("takes no ?options: they are keys of this block")
    username = unquote(parts.username) if parts.username else None
    password = SecretStr(unquote(parts.password)) if parts.password else None
    if parts.scheme == "unix":
        if not parts.path or parts.hostname:
            raise ValueError("needs the path of a socket: unix:///run/redis.sock")
        return Target(path=unquote(parts.path), username=username, password=password)
    db = parts.path.strip("/")
    if db and not db.isdecimal():
        raise ValueError("ends in the number of a database, if in anything: redis://host/0")
    return Target(
        host=parts.hostname or "localhost",
        port=port or 6379,
        username=username,
        password=password,
        db=int(db) if db else None,
        tls=parts.scheme == "rediss",
    )
