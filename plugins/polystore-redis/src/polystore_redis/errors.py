"""The one translator of the driver's and the system's errors."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Final

from redis import exceptions as redis_errors

from polystore.errors import (
    Conflict,
    ConnectionFailed,
    DataCorruption,
    LimitExceeded,
    OperationTimeout,
    PolystoreError,
    SchemaMismatch,
    UnsupportedError,
)

DRIVER_ERRORS: Final = (redis_errors.RedisError, OSError, TimeoutError)
"""What a command may raise. (The driver's own TimeoutError is a RedisError.)"""


@dataclass(frozen=True, slots=True)
class _Rule:
    """How an answer that begins with `prefix` is told."""

    prefix: str
    make: type[PolystoreError]
    hint: str
    retryable: bool | None = None


_SHARED = "Somebody else uses this namespace: remove that key, or choose another namespace"
_PRIMARY = "Connect to the primary: its address, or the Sentinels"
_RULES: Final = (
    _Rule("WRONGPASS", ConnectionFailed, "Check username and password", False),
    _Rule("NOAUTH", ConnectionFailed, "The server wants a password: give it in this block", False),
    _Rule("NOPERM", ConnectionFailed, "Let the user's ACL allow it: ACL SETUSER", False),
    _Rule("WRONGTYPE", SchemaMismatch, _SHARED),
    _Rule("FOREIGN", DataCorruption, _SHARED),  # an answer of our scripts
    _Rule("OOM", ConnectionFailed, "Raise the server's maxmemory, or delete data", False),
    _Rule("READONLY", ConnectionFailed, _PRIMARY, True),
    _Rule("MASTERDOWN", ConnectionFailed, _PRIMARY, True),
    _Rule("LOADING", ConnectionFailed, "The server reads its data; repeat in a while", True),
    _Rule("BUSY", ConnectionFailed, "A script blocks the server; repeat, or SCRIPT KILL", True),
    _Rule("CLUSTERDOWN", ConnectionFailed, "Slots are not served: redis-cli --cluster check", True),
    _Rule("TRYAGAIN", ConnectionFailed, "Slots are moving; repeat the call", True),
    _Rule("MISCONF", ConnectionFailed, "The server cannot save: look at its log and disk", False),
    _Rule("NOREPLICAS", ConnectionFailed, "Too few replicas follow the primary; repeat", True),
    _Rule("EXECABORT", Conflict, "Repeat the call", True),
    _Rule("ERR max number of clients", ConnectionFailed, "Lower pool.max, or raise maxclients"),
    _Rule("ERR unknown command", UnsupportedError, "Use Redis 7.0 or Valkey 7.2, or later"),
    _Rule("ERR string exceeds maximum", LimitExceeded, "Store less in one item"),
    _Rule("ERR Protocol error", LimitExceeded, "Make the batch smaller"),
    _Rule(
        "ERR DB index is out of range", ConnectionFailed, "Correct db, or raise databases", False
    ),
    _Rule("ERR invalid password", ConnectionFailed, "Check username and password", False),
)
"""By how the server's answer begins; nothing of what these refuse was carried out."""


def not_ours(name: str) -> DataCorruption:
    """Return what to raise when an entry or document turns out not to be one."""
    text = f"what is stored under {name!r} was not written by polystore"
    return DataCorruption(text, hint=_SHARED)


_NO_CONNECTION: Final = "No connection available"
_NEVER_SENT: Final = ("connecting to", "Connection refused", _NO_CONNECTION, "No master found")
"""Said by the driver when there was no connection yet."""


@dataclass(frozen=True)
class Translator:
    """Turns what the driver raises into what polystore promises.

    Attributes:
        backend: Named in every error.
        secrets: Passwords; no message contains one.
    """

    backend: str
    secrets: tuple[str, ...] = ()

    def error(self, error: BaseException) -> PolystoreError:
        """Return what to raise `from` the driver's error."""
        if isinstance(error, PolystoreError):
            return error
        tls = _tls_cause(error)
        if tls is not None:
            return self._from_tls(tls)
        text = str(error) or type(error).__name__
        if isinstance(error, TimeoutError | redis_errors.TimeoutError):
            sent = "connecting" not in text
            return self._make(
                OperationTimeout,
                "Redis did not answer in time",
                "Check the server and the network, or raise timeout and connect_timeout",
                maybe_applied=sent,
            )
        if isinstance(error, redis_errors.ConnectionError | redis_errors.ClusterError | OSError):
            return self._from_network(text, error)
        return self._from_answer(_code(text, error))

    def _from_tls(self, error: ssl.SSLError) -> PolystoreError:
        text, hint = f"TLS failed: {error.reason or error}", "Check the files under tls:"
        if isinstance(error, ssl.SSLCertVerificationError):
            text = f"the server's certificate is not accepted: {error.verify_message}"
            hint = "Check tls.root_cert, and that the address is a name in the certificate"
        return self._make(ConnectionFailed, text, hint, retryable=False, maybe_applied=False)

    def _from_network(self, text: str, error: BaseException) -> PolystoreError:
        if _NO_CONNECTION in text:
            return self._make(
                OperationTimeout,
                "every connection of the pool was busy for too long",
                "Raise pool.max or pool.acquire_timeout, or call less at the same time",
                maybe_applied=False,
            )
        answer = _code(text, error)
        if any(answer.startswith(rule.prefix) for rule in _RULES):
            return self._from_answer(answer)
        sent = not any(words in text for words in _NEVER_SENT)
        told = "the connection to Redis was lost" if sent else "Redis cannot be reached"
        return self._make(
            ConnectionFailed,
            f"{told}: {text}",
            "Check the address, and that the server runs",
            maybe_applied=sent,
        )

    def _from_answer(self, text: str) -> PolystoreError:
        text = text.split(" script: ", 1)[0]  # where in a script, which helps nobody
        for rule in _RULES:
            if text.startswith(rule.prefix):
                return self._make(
                    rule.make, text, rule.hint, retryable=rule.retryable, maybe_applied=False
                )
        return self._make(PolystoreError, text, "See the server's log")

    def _make(
        self,
        make: type[PolystoreError],
        text: str,
        hint: str,
        *,
        retryable: bool | None = None,
        maybe_applied: bool = True,
    ) -> PolystoreError:
        for secret in self.secrets:
            text = text.replace(secret, "***")
        made = make(text.split("\n")[0], backend=self.backend, hint=hint, retryable=retryable)
        if isinstance(made, ConnectionFailed | OperationTimeout):
            made.maybe_applied = maybe_applied
        return made


_CODES: Final = (
    (redis_errors.NoPermissionError, "NOPERM"),
    (redis_errors.AuthenticationError, "WRONGPASS"),
    (redis_errors.BusyLoadingError, "LOADING"),
    (redis_errors.ReadOnlyError, "READONLY"),
    (redis_errors.OutOfMemoryError, "OOM"),
    (redis_errors.ClusterDownError, "CLUSTERDOWN"),
    (redis_errors.MasterDownError, "MASTERDOWN"),
    (redis_errors.TryAgainError, "TRYAGAIN"),
    (redis_errors.ExecAbortError, "EXECABORT"),
)
"""Classes that the driver makes of an answer, whose code it takes off."""


def _code(text: str, error: BaseException) -> str:
    """Return a server's answer with its code in front."""
    for kind, code in _CODES:
        if isinstance(error, kind):
            return text if text.startswith(code) else f"{code} {text}"
    return text


def _tls_cause(error: BaseException) -> ssl.SSLError | None:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None
