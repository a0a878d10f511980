"""The only file that calls the server: one gRPC channel, requests as they go over the wire.

pymilvus' own client is there for who wants it (`raw`), but carries no call of a store: it repeats
for minutes by itself, packs vectors number by number, and builds expressions out of ids.
"""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import grpc

from polystore.errors import Closed, ConfigError, ConnectionFailed
from polystore.types.reports import PoolUse
from polystore_milvus.errors import Translator
from polystore_milvus.protocol import (
    AsyncMilvusClient,
    MilvusServiceStub,
    common_pb2,
    milvus_pb2,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from polystore.types.call import Consistency
    from polystore_milvus.config import MilvusConfig

T = TypeVar("T")

LITE: Final = "milvus_lite"
_NUMBERS: Final = re.compile(r"(?<![\d.])(\d{1,3})\.(\d{1,3})(?!\d)")
_PATIENCE: Final = 1.0
"""Seconds that a write may still take once its caller is cancelled."""
_OPTIONS: Final[tuple[tuple[str, Any], ...]] = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # A server that is back is found soon; the defaults wait for up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 500),
    # Otherwise all channels to one address share a connection, and how long it backs off.
    ("grpc.use_local_subchannel_pool", 1),
    # The gate repeats what may be repeated.
    ("grpc.enable_retries", 0),
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a server says of itself.

    Attributes:
        version: As it writes it.
        lite: Whether it is Milvus Lite.
    """

    version: str
    lite: bool

    @property
    def numbers(self) -> tuple[int, int] | None:
        """The version's first two numbers; None for a build that has none, e.g. of a branch."""
        found = _NUMBERS.search(self.version)
        return None if found is None else (int(found[1]), int(found[2]))

    def is_from(self, oldest: tuple[int, int]) -> bool:
        """Return whether it is a server of version `oldest` or later; builds without are."""
        return self.numbers is None or self.numbers >= oldest


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh a read is, in the server's own words."""

    level: common_pb2.ConsistencyLevel
    timestamp: int


def since(timestamp: int) -> Freshness:
    """Return the freshness that sees what was written up to `timestamp`."""
    return Freshness(common_pb2.Session, timestamp or 1)


class Server:
    """What the stores talk to.

    Args:
        name: The backend's name, for errors.
        config: The block.
        socket: Of the embedded server.
    """

    def __init__(self, name: str, config: MilvusConfig, socket: Path | None) -> None:
        self.name = name
        self.config = config
        self.translator = Translator(name, config.secrets)
        self._target = config.target if socket is None else f"unix:{socket}"
        self._channel: grpc.aio.Channel | None = None
        self._stub: Any = None
        self._raw: Any = None
        self._facts: Facts | None = None
        self._written: dict[str, int] = {}
        login = config.login
        self._metadata = (
            () if login is None else (("authorization", base64.b64encode(login.encode()).decode()),)
        )

    async def open(self) -> None:
        """Connect and learn what the server is."""
        self._channel = self._make_channel()
        self._stub = MilvusServiceStub(self._channel)
        await self._connected(self._channel)

    async def close(self) -> None:
        """Close every connection; safe to call twice."""
        raw, self._raw = self._raw, None
        channel, self._channel, self._stub = self._channel, None, None
        if raw is not None:
            await raw.close()
        if channel is not None:
            await channel.close()

    @property
    def raw(self) -> Any:
        """A `pymilvus.AsyncMilvusClient` of its own, which connects at its first call."""
        if self._channel is None:
            raise Closed("the backend is not open", backend=self.name)
        if self._raw is None:
            self._raw = self._make_client()
        return self._raw

    def pool_use(self) -> PoolUse | None:
        """Return whether the one connection, which carries all calls at once, is there."""
        if self._channel is None:
            return None
        there = self._channel.get_state() is grpc.ChannelConnectivity.READY
        return PoolUse(in_use=int(there), idle=0, waiting=0, maximum=1)

    @property
    def facts(self) -> Facts:
        """What the server is."""
        if self._facts is None:
            raise Closed("the backend is not open", backend=self.name)
        return self._facts

    async def ask(self, method: str, request: Any) -> Any:
        """Return the answer to a request of a store's call, whose deadline ends it.

        Raises:
            PolystoreError: There is none, or it says what went wrong.
        """
        return await self._answer(method, request)

    async def look(self, method: str, request: Any) -> Any:
        """Return the answer to a question about the schema, for which no call sets a deadline."""
        return await self._answer(method, request, self.config.timeout)

    async def change(self, method: str, request: Any) -> Any:
        """Return the answer to a request that changes something, seen through when cancelled.

        Milvus would go on with what it has begun anyway: it is given time to, so that who was
        cancelled does not see it come later.
        """
        return await _uncut(self._answer(method, request, self.config.timeout))

    async def write(self, method: str, request: Any, *, timeout: float | None = None) -> int:
        """Carry out a request that changes rows; return the server's timestamp of it.

        Args:
            method: Its name.
            request: The request.
            timeout: Seconds it may take; None: its caller has a deadline.
        """
        return await _uncut(self._written_at(method, request, timeout))

    async def _written_at(self, method: str, request: Any, timeout: float | None) -> int:
        stamp: int = (await self._answer(method, request, timeout)).timestamp
        if not stamp and not self.facts.lite:  # servers do not tell when they have deleted
            stamp = await self.stamp(timeout)
        name: str = request.collection_name
        self._written[name] = max(self._written.get(name, 0), stamp)
        return stamp

    async def stamp(self, timeout: float | None) -> int:
        """Return a timestamp of the server after all that it has given out."""
        answer = await self._answer("AllocTimestamp", milvus_pb2.AllocTimestampRequest(), timeout)
        return int(answer.timestamp)

    async def has_collection(self, name: str) -> bool:
        """Return whether there is a collection `name`; the least that a server can be asked."""
        request = milvus_pb2.HasCollectionRequest(collection_name=name)
        return bool((await self.look("HasCollection", request)).value)

    def freshness(self, collection: str, consistency: Consistency) -> Freshness:
        """Return what a read has to ask for to be as fresh as `consistency` says."""
        if consistency == "strong":
            return Freshness(common_pb2.Strong, 0)
        if consistency == "eventual":
            return Freshness(common_pb2.Eventually, 1)
        return since(self._written.get(collection, 0))

    async def _answer(self, method: str, request: Any, timeout: float | None = None) -> Any:
        if self._stub is None:
            raise Closed("the backend is not open", backend=self.name)
        if hasattr(request, "db_name"):
            request.db_name = self.config.database
        try:
            call = getattr(self._stub, method)
            answer = await call(request, metadata=self._metadata, timeout=timeout)
        except grpc.RpcError as error:
            # Its frames hold the call, and a call its connection: though the channel is closed,
            # that would stay, and be made anew where it fails, as long as anybody has the error.
            raise self.translator.from_call(error) from error.with_traceback(None)
        status = answer if isinstance(answer, common_pb2.Status) else answer.status
        if status.code or status.error_code:
            raise self.translator.from_status(status.code, status.reason or status.detail)
        return answer

    async def _connected(self, channel: grpc.aio.Channel) -> None:
        try:
            async with asyncio.timeout(self.config.connect_timeout):
                await self._first_answer()
        except TimeoutError:
            state = channel.get_state().name.lower()
        else:
            return
        # Not from the other error, whose frames hold a call, and so the connection.
        raise ConnectionFailed(
            f"Milvus cannot be reached within {self.config.connect_timeout:g} s ({state})",
            backend=self.name,
            hint="Check the address, and that the server runs",
            maybe_applied=False,
        )

    async def _first_answer(self) -> None:
        answer = await self.ask("GetVersion", milvus_pb2.GetVersionRequest())
        self._facts = Facts(answer.version, lite=answer.version.startswith(LITE))
        self.translator = Translator(self.name, self.config.secrets, lite=self._facts.lite)
        # Which the server tells anybody; whether it takes the login, and has the database, not.
        await self.has_collection("polystore")

    def _make_channel(self) -> grpc.aio.Channel:
        config, tls = self.config, self.config.tls
        options: list[tuple[str, Any]] = [
            *_OPTIONS,
            # What gRPC calls so is how long one attempt to connect may take.
            ("grpc.min_reconnect_backoff_ms", round(config.connect_timeout * 1000)),
        ]
        if not config.secure:
            return grpc.aio.insecure_channel(self._target, options=options)
        try:
            credentials = grpc.ssl_channel_credentials(
                *(
                    None if path is None else path.read_bytes()
                    for path in ((tls.root_cert, tls.key, tls.cert) if tls else (None, None, None))
                )
            )
            self._check_files()
        except ssl.SSLError as error:
            raise ConfigError(
                f"tls: no certificate or key in one of the files: {error.reason or error}",
                backend=self.name,
                hint="They are PEM files, the key's without a password, and cert and key belong "
                "together",
            ) from error
        except OSError as error:
            raise ConnectionFailed(
                f"a file of tls cannot be read: {error}",
                backend=self.name,
                hint="Check the files under tls:",
                retryable=False,
                maybe_applied=False,
            ) from error
        if tls is not None and tls.server_name:
            options.append(("grpc.ssl_target_name_override", tls.server_name))
        return grpc.aio.secure_channel(self._target, credentials, options=options)

    def _check_files(self) -> None:
        """Raise SSLError for what gRPC would only tell stderr of."""
        tls, context = self.config.tls, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if tls is not None and tls.root_cert is not None:
            context.load_verify_locations(tls.root_cert)
        if tls is not None and tls.cert is not None:
            context.load_cert_chain(tls.cert, tls.key, password="")

    def _make_client(self) -> Any:
        config, tls = self.config, self.config.tls
        settings: dict[str, Any] = {}
        if tls is not None:
            settings = {"secure": True, "server_name": tls.server_name or ""}
            if tls.cert is not None:
                settings["client_pem_path"] = str(tls.cert)
                settings["client_key_path"] = str(tls.key)
                settings["ca_pem_path"] = str(tls.root_cert or "")
            elif tls.root_cert is not None:
                settings["server_pem_path"] = str(tls.root_cert)
        uri = config.uri or self._target
        return AsyncMilvusClient(
            uri, token=config.login or "", db_name=config.database, dedicated=True, **settings
        )


async def _uncut(work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns, which is not cut off in the middle when the caller is."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=_PATIENCE)
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # it is told nobody any more
        raise
