"""The one translator of the driver's and the system's errors."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass

import asyncpg
from asyncpg import exceptions as pg

from polystore.errors import (
    ConfigError,
    Conflict,
    ConnectionFailed,
    DataCorruption,
    InvalidRecord,
    LimitExceeded,
    OperationTimeout,
    PolystoreError,
    SchemaMismatch,
    UnsupportedError,
)

_DRIVER = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
DRIVER_ERRORS = (*_DRIVER, TimeoutError, ConnectionError)
"""What a statement on an open connection may raise."""
WIRE_ERRORS = (*_DRIVER, OSError)
"""What opening or closing a connection may raise."""


def never_sent(error: BaseException) -> bool:
    """Whether the driver refused before it sent anything.

    It does on an idle connection whose server has said goodbye, until it sees the end of it.
    """
    return isinstance(error, asyncpg.InternalClientError) and "cannot switch to state" in str(error)


@dataclass(frozen=True)
class _Rule:
    """How errors whose SQLSTATE starts with `prefix` are told; the longest prefix wins."""

    prefix: str
    make: type[PolystoreError]
    hint: str | None
    retryable: bool | None = None


_APPLY = (
    "Something that polystore made is missing or was changed: see `polystore doctor`; what "
    "`polystore apply` does not mend has to come from a backup"
)
_TAKEN = (
    "Something else has that name: choose another namespace for polystore. If polystore's "
    "ledger or catalogue was lost, restore the schema from a backup"
)
_NEWER = "The store was changed since this process opened it: open it again, as it is declared now"
_PRIVILEGE = "GRANT it to the database user, or give an admin_dsn for schema work"
_PRIVILEGES = (
    ("for database", "GRANT CREATE ON DATABASE to the user, or give an admin_dsn for schema work"),
    (
        "for schema",
        "GRANT USAGE ON SCHEMA to the user, and CREATE for schema work; or give an admin_dsn",
    ),
    ("for table", "GRANT SELECT, INSERT, UPDATE, DELETE ON every table of the schema to the user"),
    (
        "create extension",
        "Let an administrator run CREATE EXTENSION in this database, or GRANT CREATE ON DATABASE, "
        "or give an admin_dsn",
    ),
    ("must be owner", "Give the address of the tables' owner as admin_dsn"),
)
"""What to grant, by what the server's message says."""
_TIMEOUT = "Raise the server's statement_timeout and pool.command_timeout, or make the call smaller"
_SETTINGS = ("22023", "42704", "55P02", "22P02")
"""What the server answers to a parameter that it does not know or take, when we connect."""
_RULES = (
    _Rule("08", ConnectionFailed, "The connection was lost; repeat the call"),
    _Rule("0A", UnsupportedError, None),
    _Rule("22", InvalidRecord, None),
    _Rule("23", Conflict, "Another write came first; read again and decide"),
    # Values are checked before; what is left is a declared field that this process does not write.
    _Rule("23502", SchemaMismatch, _NEWER),
    _Rule("23514", SchemaMismatch, _NEWER),
    _Rule("25006", ConnectionFailed, "The server is read-only: connect to the primary", False),
    _Rule("25P02", Conflict, "Something in this unit failed before; leave it and start again"),
    _Rule("25P03", OperationTimeout, "The transaction was idle for too long"),
    _Rule("26000", ConnectionFailed, "Behind a pooler in transaction mode, set pgbouncer: true"),
    _Rule("28", ConnectionFailed, "Check the user and password in the dsn, and pg_hba.conf", False),
    _Rule("3D000", ConnectionFailed, "Create the database, or correct its name in the dsn", False),
    _Rule("3F000", SchemaMismatch, _APPLY),
    _Rule("40", Conflict, "Repeat the call", True),
    _Rule("42501", ConnectionFailed, _PRIVILEGE, False),
    _Rule("42704", SchemaMismatch, _APPLY),
    _Rule("42703", SchemaMismatch, _APPLY),
    _Rule("42883", SchemaMismatch, _APPLY),
    _Rule("42P01", SchemaMismatch, _APPLY),
    _Rule("42P07", SchemaMismatch, _TAKEN),
    _Rule("53", ConnectionFailed, "The server is short of memory, disk space or connections"),
    _Rule("53300", ConnectionFailed, "Lower pool.max, or raise the server's max_connections"),
    _Rule("54", LimitExceeded, "Make the value or the batch smaller"),
    _Rule("55P03", OperationTimeout, "Somebody holds a lock; repeat the call"),
    _Rule("57014", OperationTimeout, _TIMEOUT),
    _Rule("57P", ConnectionFailed, "The server is starting, stopping or restarting; repeat"),
    _Rule("57P04", ConnectionFailed, "The database was dropped", False),
    _Rule("58", ConnectionFailed, "The server has trouble with its storage; see its log", False),
    _Rule("XX001", DataCorruption, "The server found damaged data; restore from a backup"),
    _Rule("XX002", DataCorruption, "An index is damaged; REINDEX it"),
)


@dataclass(frozen=True)
class Translator:
    """Turns what the driver raises into what polystore promises.

    Attributes:
        backend: Named in every error.
        secrets: Passwords; no message contains one.
    """

    backend: str
    secrets: tuple[str, ...] = ()

    def statement(self, error: BaseException) -> PolystoreError:
        """Return the error to raise for a statement that failed; raise it `from` its cause."""
        if isinstance(error, PolystoreError):
            return error
        if isinstance(error, asyncpg.PostgresError):
            return self._from_server(error)
        if isinstance(error, asyncpg.InterfaceError):
            return self._from_driver(error)
        if never_sent(error):
            text = "the server had closed the connection"
            return self._make(ConnectionFailed, text, "Repeat the call", maybe_applied=False)
        if isinstance(error, TimeoutError):
            return self._make(
                OperationTimeout,
                "the statement took too long and was cancelled",
                "Raise pool.command_timeout, or make the call smaller",
            )
        return self._make(ConnectionFailed, f"the connection was lost: {error}", "Repeat the call")

    def connecting(self, error: BaseException, address: str) -> PolystoreError:
        """Return the error to raise when no connection could be opened."""
        found = self._connecting(error, address)
        if isinstance(found, ConnectionFailed | OperationTimeout):
            found.maybe_applied = False  # nothing was sent
        return found

    def _connecting(self, error: BaseException, address: str) -> PolystoreError:
        where = f"cannot connect to PostgreSQL at {address}"
        if isinstance(error, asyncpg.PostgresError):
            if error.sqlstate in _SETTINGS:
                text = f"{where}: {error.args[0]}"
                return self._make(ConfigError, text, "Correct server_settings, or the dsn")
            return self._from_server(error, where=f"{where}: ")
        if isinstance(error, pg.InterfaceError) and _lost(str(error)):
            return self._from_network(error, where)
        if isinstance(error, pg.InterfaceError | ValueError) and not isinstance(error, OSError):
            return self._make(ConfigError, f"{where}: {error.args[0]}", None)
        if isinstance(error, ssl.SSLError):
            return self._from_tls(error, where)
        return self._from_network(error, where)

    def _from_tls(self, error: ssl.SSLError, where: str) -> PolystoreError:
        text = f"{where}: TLS failed: {error.reason or error}"
        hint = "Check the files and the mode under ssl:"
        if isinstance(error, ssl.SSLCertVerificationError):
            text = f"{where}: the server's certificate is not accepted: {error.verify_message}"
            hint = "Check ssl.root_cert, and that the address is a name in the certificate"
        return self._make(ConnectionFailed, text, hint, retryable=False)

    def _from_network(self, error: BaseException, where: str) -> PolystoreError:
        text = f"{where}: {error}"
        hint = "Check the address, and that the server runs and accepts connections"
        retryable = True
        if isinstance(error, TimeoutError):
            text = f"{where}: no answer in time"
            hint = "Check the address and the network, or raise connect.timeout"
        elif isinstance(error, socket.gaierror):
            text = f"{where}: the name is not known"
            hint = "Check the host name in the dsn"
            retryable = error.errno == socket.EAI_AGAIN
        elif "rejected SSL upgrade" in text:
            hint = "The server has no TLS: turn it on there, or choose another ssl.mode"
            retryable = False
        return self._make(ConnectionFailed, text, hint, retryable=retryable)

    def _from_server(self, error: asyncpg.PostgresError, where: str = "") -> PolystoreError:
        state = error.sqlstate or ""
        # A message may run over lines and quote values; its first line says what is wrong.
        text = where + (str(error.args[0]) if error.args else type(error).__name__).split("\n")[0]
        if isinstance(error, pg.InvalidCachedStatementError):
            return self._make(Conflict, text, "The schema has just changed; repeat", retryable=True)
        rules = [rule for rule in _RULES if state.startswith(rule.prefix)]
        if not rules:
            return self._make(PolystoreError, f"{text} (SQLSTATE {state})", None)
        rule = max(rules, key=lambda rule: len(rule.prefix))
        hint = rule.hint
        if "polystore.workspace" in text:
            hint = "The table has row-level security: say row_level_security: true"
        elif state == pg.InsufficientPrivilegeError.sqlstate:
            hint = next((told for words, told in _PRIVILEGES if words in text), hint)
        return self._make(rule.make, text, hint, retryable=rule.retryable)

    def _from_driver(self, error: asyncpg.InterfaceError) -> PolystoreError:
        text = str(error.args[0]).split("\n")[0] if error.args else type(error).__name__
        if isinstance(error, asyncpg.DataError):
            return self._make(InvalidRecord, text, None)
        if isinstance(error, pg.UnsupportedClientFeatureError):
            return self._make(UnsupportedError, text, None)
        if _lost(text):
            return self._make(ConnectionFailed, f"the connection was lost: {text}", "Repeat it")
        return self._make(PolystoreError, text, None)

    def _make(
        self,
        make: type[PolystoreError],
        text: str,
        hint: str | None,
        *,
        retryable: bool | None = None,
        maybe_applied: bool = True,
    ) -> PolystoreError:
        for secret in self.secrets:
            text = text.replace(secret, "***")
        made = make(text, backend=self.backend, hint=hint, retryable=retryable)
        if isinstance(made, ConnectionFailed | OperationTimeout):
            made.maybe_applied = maybe_applied
        return made


def _lost(text: str) -> bool:
    return "closed" in text or "released" in text
