"""The one translator of gRPC's and the server's errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import grpc

from polystore.errors import (
    Conflict,
    ConnectionFailed,
    LimitExceeded,
    OperationTimeout,
    PolystoreError,
    SchemaMismatch,
    UnsupportedError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Rule:
    """How an error of the server is told, and whether what was asked may have been done."""

    make: type[PolystoreError]
    hint: str
    retryable: bool | None = None
    maybe_applied: bool = False


_BUSY: Final = Rule(ConnectionFailed, "Repeat in a while; the server is not ready", True, True)
_LOADED: Final = Rule(
    ConnectionFailed,
    "The collection is being loaded, or was released: see `polystore doctor`",
    True,
)
_FULL: Final = Rule(ConnectionFailed, "Give the server more memory or disk, or delete data", False)
_SLOWER: Final = Rule(ConnectionFailed, "Call less at the same time: `pool.max`, quotas", True)
_LOGIN: Final = Rule(ConnectionFailed, "Check token, or username and password", False)
_DATABASE: Final = Rule(ConnectionFailed, "Create the database, or correct `database`", False)
_MISSING: Final = Rule(SchemaMismatch, "See `polystore plan`; `polystore apply` makes it")
_OTHER: Final = Rule(PolystoreError, "See the server's log")

_BY_CODE: Final[Mapping[int, Rule]] = {
    1: _BUSY,
    2: _BUSY,
    3: _FULL,
    4: _SLOWER,
    5: Rule(ConnectionFailed, "Repeat the call; see the server's log", True, True),
    35: Rule(Conflict, "See `polystore plan`"),
    7: _FULL,
    8: _SLOWER,
    9: _FULL,
    100: _MISSING,
    101: _LOADED,
    103: _LOADED,
    500: _BUSY,
    501: _BUSY,
    503: _BUSY,
    600: _BUSY,
    601: _BUSY,
    602: _BUSY,
    700: _MISSING,
    800: _DATABASE,
    901: _BUSY,
    902: _BUSY,
    903: _BUSY,
    1400: _LOGIN,
    1401: Rule(ConnectionFailed, "Grant the user what it needs", False),
}
"""By the server's own codes."""

_BY_WORDS: Final[Mapping[str, Rule]] = {
    "database:": _DATABASE,
    "no available shard delegator": _BUSY,
    "no available shard leaders": _BUSY,
    "not fully loaded": _LOADED,
    "collection not loaded": _LOADED,
    "channel not available": _BUSY,
    "exceeds the maximum": Rule(LimitExceeded, "Make the value, or the batch, smaller"),
    "larger than max": Rule(LimitExceeded, "Make the value, or the batch, smaller"),
    "auth check failure": _LOGIN,
    "permission deny": Rule(ConnectionFailed, "Grant the user what it needs", False),
}
"""By what the server says, where its code says nothing."""

_TLS_WORDS: Final = (
    "Ssl handshake",
    "Tls handshake",
    "SSL",
    "TLS",
    "CERTIFICATE",
    "certificate",
    "Peer name",
    "Hostname Verification",
)
_NOT_SENT: Final = (
    "failed to connect",
    "Connection refused",
    "connections to all backends failed",
    "errors resolving",
    "DNS resolution failed",
)


@dataclass(frozen=True)
class Translator:
    """Turns what the driver raises, or the server answers, into what polystore promises.

    Attributes:
        backend: Named in every error.
        secrets: Passwords and keys; no message contains one.
        lite: Whether it is Lite, whose code 1 means anything.
    """

    backend: str
    secrets: tuple[str, ...] = ()
    lite: bool = False

    def from_call(self, error: grpc.RpcError) -> PolystoreError:
        """Return what to raise `from` the error of a call that got no answer."""
        code = error.code() if isinstance(error, grpc.aio.AioRpcError) else None
        text = (error.details() if isinstance(error, grpc.aio.AioRpcError) else "") or str(code)
        if code == grpc.StatusCode.DEADLINE_EXCEEDED:
            hint = "Check the server and the network, or raise timeout"
            return self._make(OperationTimeout, "Milvus did not answer in time", hint, True, True)
        if code == grpc.StatusCode.RESOURCE_EXHAUSTED:
            return self._make(LimitExceeded, text, "Make the batch, or the answer, smaller")
        if code in {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}:
            return self._by_rule(_LOGIN, text)
        if code == grpc.StatusCode.UNIMPLEMENTED:
            return self._make(UnsupportedError, text, "Use Milvus 2.3 or later")
        if code == grpc.StatusCode.UNAVAILABLE:
            return self._from_network(text)
        return self._by_words(text) or self._make(PolystoreError, text, "See the server's log")

    def from_status(self, code: int, text: str) -> PolystoreError:
        """Return what to raise for an answer that says what went wrong."""
        rule = _BY_CODE.get(code)
        if rule is not None and not (self.lite and code == 1):
            return self._by_rule(rule, text)
        return self._by_words(text) or self._by_rule(_OTHER, f"{text} (code {code})")

    def _from_network(self, text: str) -> PolystoreError:
        if any(word in text for word in _TLS_WORDS):
            hint = (
                "Check the files under tls:, and that the uri's host is a name in the certificate"
            )
            return self._make(ConnectionFailed, f"TLS failed: {text}", hint, False)
        reached = not any(word in text for word in _NOT_SENT)
        told = "the connection to Milvus was lost" if reached else "Milvus cannot be reached"
        hint = "Check the address, and that the server runs"
        return self._make(ConnectionFailed, f"{told}: {text}", hint, True, reached)

    def _by_words(self, text: str) -> PolystoreError | None:
        for words, rule in _BY_WORDS.items():
            if words in text:
                return self._by_rule(rule, text)
        return None

    def _by_rule(self, rule: Rule, text: str) -> PolystoreError:
        return self._make(rule.make, text, rule.hint, rule.retryable, rule.maybe_applied)

    def _make(
        self,
        make: type[PolystoreError],
        text: str,
        hint: str,
        retryable: bool | None = None,
        maybe_applied: bool = False,
    ) -> PolystoreError:
        told = text.split("\n")[0]
        for secret in self.secrets:
            told = told.replace(secret, "***")
        made = make(told, backend=self.backend, hint=hint, retryable=retryable)
        if isinstance(made, ConnectionFailed | OperationTimeout):
            made.maybe_applied = maybe_applied
        return made
