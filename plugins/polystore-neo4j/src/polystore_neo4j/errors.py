"""The one translator of the driver's errors."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Final

from neo4j import exceptions as neo

from polystore.errors import (
    ConfigError,
    Conflict,
    ConnectionFailed,
    LimitExceeded,
    OperationTimeout,
    PolystoreError,
    SchemaMismatch,
    UnsupportedError,
)

DRIVER_ERRORS: Final = (neo.Neo4jError, neo.DriverError, OSError, TimeoutError)
"""What the driver may raise."""


class Gone(Conflict):
    """What a statement had found was deleted while it waited for it. Repeat the call."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """How errors whose code begins with `prefix` are told; the longest prefix wins."""

    prefix: str
    make: type[PolystoreError]
    hint: str
    retryable: bool | None = None


_RULES: Final = (
    _Rule("Neo.TransientError", ConnectionFailed, "Repeat the call", True),
    _Rule("Neo.TransientError.Transaction", Conflict, "Repeat the call", True),
    _Rule(
        "Neo.TransientError.General.OutOfMemory",
        ConnectionFailed,
        "Make the call smaller, or raise the server's memory settings",
        False,
    ),
    _Rule(
        "Neo.TransientError.General.MemoryPool",
        ConnectionFailed,
        "Make the call smaller, or raise dbms.memory.transaction.total.max",
        False,
    ),
    _Rule(
        "Neo.TransientError.General.TransactionMemoryLimit",
        LimitExceeded,
        "Make the call smaller, or raise db.memory.transaction.max",
        False,
    ),
    _Rule(
        "Neo.ClientError.General.TransactionOutOfMemory",
        LimitExceeded,
        "Make the call smaller, or raise db.memory.transaction.max",
        False,
    ),
    _Rule(
        "Neo.TransientError.Transaction.MaximumTransactionLimitReached",
        ConnectionFailed,
        "Repeat the call, or raise db.transaction.concurrent.maximum",
        True,
    ),
    _Rule(
        "Neo.TransientError.Transaction.BookmarkTimeout",
        OperationTimeout,
        "This member has not caught up with what was written; repeat the call",
        True,
    ),
    _Rule("Neo.ClientError.Security", ConnectionFailed, "Check username and password", False),
    _Rule(
        "Neo.ClientError.Security.Forbidden",
        ConnectionFailed,
        "Grant the user what it needs: reading, writing, and schema for `polystore apply`",
        False,
    ),
    _Rule(
        "Neo.ClientError.Database.DatabaseNotFound",
        ConnectionFailed,
        "Create the database, or correct `database`",
        False,
    ),
    _Rule(
        "Neo.ClientError.Schema.ConstraintValidationFailed",
        Conflict,
        "Another write came first; repeat the call",
        True,
    ),
    _Rule("Neo.ClientError.Schema", SchemaMismatch, "See `polystore doctor`"),
    _Rule(
        "Neo.ClientError.Schema.ConstraintAlreadyExists",
        SchemaMismatch,
        "Somebody else has a constraint of our name: drop it, or choose another namespace",
    ),
    _Rule(
        "Neo.ClientError.Schema.IndexAlreadyExists",
        SchemaMismatch,
        "Somebody else has an index of our name: drop it, or choose another namespace",
    ),
    # What a full-text search says of an index that is not there.
    _Rule(
        "Neo.ClientError.Procedure.ProcedureCallFailed", SchemaMismatch, "See `polystore doctor`"
    ),
    _Rule("Neo.ClientError.Cluster", ConnectionFailed, "Repeat the call", True),
    _Rule(
        "Neo.ClientError.General.ForbiddenOnReadOnlyDatabase",
        ConnectionFailed,
        "The database is read-only: connect to one that takes writes, or use neo4j://",
        False,
    ),
    _Rule(
        "Neo.ClientError.General.WriteOnReadOnlyAccessDatabase",
        ConnectionFailed,
        "The database is read-only: connect to one that takes writes, or use neo4j://",
        False,
    ),
    _Rule(
        "Neo.ClientError.Statement.AccessMode",
        ConnectionFailed,
        "Only reading is allowed there: connect to one that takes writes, or use neo4j://",
        False,
    ),
    _Rule(
        "Neo.ClientError.Transaction.InvalidBookmark",
        ConnectionFailed,
        "The database is not the one that this client wrote to: open it anew",
        False,
    ),
    _Rule(
        "Neo.ClientError.Transaction.TransactionTimedOut",
        OperationTimeout,
        "Raise the server's db.transaction.timeout, or make the call smaller",
    ),
    _Rule("Neo.ClientError.Transaction", Conflict, "Leave this unit and start again", True),
    _Rule(
        "Neo.ClientError.Statement.EntityNotFound",
        Gone,
        "Another write deleted it first; repeat the call",
        True,
    ),
    _Rule("Neo.ClientError.Statement.ArgumentError", LimitExceeded, "Make the value smaller"),
    _Rule("Neo.DatabaseError", PolystoreError, "See the server's log"),
)


@dataclass(frozen=True)
class Translator:
    """Turns what the driver raises into what polystore promises.

    Attributes:
        backend: Named in every error.
        secret: The password; no message contains it.
    """

    backend: str
    secret: str | None = None

    def error(self, error: BaseException, *, sent: bool = True) -> PolystoreError:
        """Return what to raise `from` the driver's error.

        Args:
            error: The driver's.
            sent: Whether a statement had been sent, which may have been carried out.
        """
        if isinstance(error, PolystoreError):
            return error
        if isinstance(error, neo.Neo4jError):
            return self._from_server(error)
        if isinstance(error, neo.ConnectionAcquisitionTimeoutError | neo.ConnectionPoolError):
            return self._make(
                OperationTimeout,
                "every connection of the pool was busy for too long",
                "Raise pool.max or pool.acquire_timeout, or call less at the same time",
                maybe_applied=False,
            )
        if isinstance(error, neo.ConfigurationError):
            return self._make(ConfigError, str(error), "Correct this block")
        tls = _tls_cause(error)
        if tls is not None:
            return self._from_tls(tls)
        return self._from_network(error, sent=sent)

    def _from_tls(self, error: ssl.SSLError) -> PolystoreError:
        text, hint = f"TLS failed: {error.reason or error}", "Check the files under tls:"
        if isinstance(error, ssl.SSLCertVerificationError):
            text = f"the server's certificate is not accepted: {error.verify_message}"
            hint = "Check tls.root_cert, and that the address is a name in the certificate"
        return self._make(ConnectionFailed, text, hint, retryable=False, maybe_applied=False)

    def _from_network(self, error: BaseException, *, sent: bool) -> PolystoreError:
        text = str(error) or type(error).__name__
        hint = "Check the address, and that the server runs"
        if isinstance(error, TimeoutError):
            return self._make(OperationTimeout, "Neo4j did not answer in time", hint)
        reached = sent and "Couldn't connect" not in text and "routing information" not in text
        told = "the connection to Neo4j was lost" if reached else "Neo4j cannot be reached"
        return self._make(ConnectionFailed, f"{told}: {text}", hint, maybe_applied=reached)

    def _from_server(self, error: neo.Neo4jError) -> PolystoreError:
        code = error.code or ""
        rules = [rule for rule in _RULES if code.startswith(rule.prefix)]
        text = error.message or code
        if not rules:
            return self._make(PolystoreError, f"{text} ({code})", "See the server's log")
        rule = max(rules, key=lambda rule: len(rule.prefix))
        if rule.make is ConnectionFailed and "version" in text and "Unsupported" in text:
            return self._make(UnsupportedError, text, "Use Neo4j 5.13 or later")
        return self._make(rule.make, text, rule.hint, retryable=rule.retryable, maybe_applied=False)

    def _make(
        self,
        make: type[PolystoreError],
        text: str,
        hint: str,
        *,
        retryable: bool | None = None,
        maybe_applied: bool = True,
    ) -> PolystoreError:
        if self.secret:
            text = text.replace(self.secret, "***")
        made = make(text.split("\n")[0], backend=self.backend, hint=hint, retryable=retryable)
        if isinstance(made, ConnectionFailed | OperationTimeout):
            made.maybe_applied = maybe_applied
        return made


def _tls_cause(error: BaseException) -> ssl.SSLError | None:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None
