"""libpq connection strings, both forms, as the arguments that the driver takes.

The driver reads the URL form only, and its complaints quote what they could not read, which may
be a password; so strings are taken apart here, and no message repeats any part of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

_SCHEMES = ("postgresql://", "postgres://")
_KEYWORD = re.compile(r"\s*(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)*)(?=\s|$)", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_HOST = re.compile(r"(\[[^\]]+\]|[^:\[\]]*)(?::([0-9]*))?")
_ENCODE_HINT = "percent-encode special characters in a password, such as %40 for @ and %2F for /"
_SSL_KEYS = frozenset(
    (
        "sslcert",
        "sslkey",
        "sslpassword",
        "sslrootcert",
        "sslcrl",
        "sslnegotiation",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
    )
)
# What libpq tunes on its own socket; the pool sets keepalives itself, text is always UTF-8.
_IGNORED = frozenset(
    (
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "tcp_user_timeout",
        "client_encoding",
    )
)
# Demands on security that the driver cannot meet: only the values that demand nothing pass.
_HARMLESS = {
    "gssencmode": {"disable", "prefer"},
    "channel_binding": {"disable", "prefer"},
    "require_auth": {""},
    "hostaddr": {""},
    "load_balance_hosts": {"disable"},
}
_PLAIN_KEYS = frozenset(("user", "password", "passfile", "service", "krbsrvname", "gsslib"))


@dataclass(frozen=True)
class Target:
    """What a connection string says.

    Attributes:
        hosts: Names, addresses or socket folders, in the order to try; empty: the default.
        ports: One for each host, or one for all; empty: the default.
        database: Its name; None: as the user.
        plain: Further arguments of the driver, by its names.
        sslmode: As libpq means it; None: the default.
        ssl_files: libpq's other TLS parameters.
        settings: Parameters that are the server's.
        connect_timeout: Seconds, or None.
    """

    hosts: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    database: str | None = None
    plain: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    sslmode: str | None = None
    ssl_files: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    settings: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    connect_timeout: float | None = None

    def arguments(self) -> dict[str, Any]:
        """Return the driver's arguments, without TLS mode, timeouts and server settings."""
        arguments: dict[str, Any] = dict(self.plain)
        # The driver takes certificates, and looks at services, only along with a DSN.
        arguments["dsn"] = f"postgresql://?{urlencode(self.ssl_files)}".removesuffix("?")
        if self.hosts:
            arguments["host"] = list(self.hosts)
        if self.ports:
            arguments["port"] = list(self.ports)
        if self.database is not None:
            arguments["database"] = self.database
        return arguments


def parse_dsn(dsn: str) -> Target:
    """Return what a libpq URL or keyword string says.

    Raises:
        ValueError: It is neither; the message repeats nothing of it.
    """
    scheme = next((scheme for scheme in _SCHEMES if dsn.startswith(scheme)), None)
    if scheme is not None:
        return _target(_url_words(dsn.removeprefix(scheme)))
    if "://" in dsn:
        raise ValueError("the address must start with postgresql:// (or be in the keyword form)")
    return _target(_keyword_words(dsn))


def _keyword_words(text: str) -> dict[str, str]:
    words: dict[str, str] = {}
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = _KEYWORD.match(text, position)
        if match is None:
            raise ValueError(
                "the address is neither a postgresql:// URL nor in the form host=... dbname=...; "
                "quote values with spaces as 'like this'"
            )
        value = match[2]
        if value.startswith("'"):
            value = value[1:-1]
        words[match[1]] = _ESCAPE.sub(r"\1", value)
        position = match.end()
    return words


def _url_words(rest: str) -> dict[str, str]:
    before, _, query = rest.partition("?")
    authority, _, database = before.partition("/")
    credentials, _, hosts = authority.rpartition("@")
    user, _, password = credentials.partition(":")
    words = {"user": user, "password": password, "dbname": database}
    words = {key: unquote(value) for key, value in words.items() if value}
    if hosts:
        words["host"], words["port"] = _split_hosts(hosts)
    for pair in query.split("&") if query else ():
        key, equals, value = pair.partition("=")
        if not equals:
            raise ValueError("a parameter after the ? of the address has no =")
        words[unquote(key)] = unquote(value)
    return {key: value for key, value in words.items() if value or key not in ("host", "port")}


def _split_hosts(text: str) -> tuple[str, str]:
    hosts: list[str] = []
    ports: list[str] = []
    for part in text.split(","):
        match = _HOST.fullmatch(part)
        if match is None:
            raise ValueError(f"the host and port of the address cannot be read; {_ENCODE_HINT}")
        hosts.append(unquote(match[1].strip("[]")))
        ports.append(match[2] or "")
    return ",".join(hosts), ",".join(ports) if any(ports) else ""


def _target(words: dict[str, str]) -> Target:
    hosts = tuple(words.pop("host", "").split(",")) if words.get("host") else ()
    words.pop("host", None)
    ports = _ports(words.pop("port", ""), len(hosts))
    database = words.pop("dbname", None) or words.pop("database", None)
    timeout = _timeout(words.pop("connect_timeout", ""))
    plain = {key: words.pop(key) for key in _PLAIN_KEYS & words.keys()}
    if attribute := words.pop("target_session_attrs", ""):
        plain["target_session_attrs"] = attribute
    ssl_files = {key: words.pop(key) for key in _SSL_KEYS & words.keys()}
    sslmode = words.pop("sslmode", None)
    if "fallback_application_name" in words:
        words.setdefault("application_name", words.pop("fallback_application_name"))
    for key in _IGNORED & words.keys():
        del words[key]
    for key in _HARMLESS.keys() & words.keys():
        if words.pop(key) not in _HARMLESS[key]:
            raise ValueError(f"the address demands {key}, which the driver cannot do; remove it")
    return Target(hosts, ports, database, plain, sslmode, ssl_files, words, timeout)


def _ports(text: str, hosts: int) -> tuple[int, ...]:
    if not text:
        return ()
    parts = [part or "5432" for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and 0 < int(part) < 1 << 16 for part in parts):
        raise ValueError(f"the port of the address is not between 1 and 65535; {_ENCODE_HINT}")
    if len(parts) not in (1, max(hosts, 1)):
        raise ValueError("the address names another number of ports than hosts")
    return tuple(int(part) for part in parts)


def _timeout(text: str) -> float | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise ValueError("connect_timeout of the address is not a whole number of seconds")
    return float(text) or None
