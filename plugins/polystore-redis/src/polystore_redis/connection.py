"""The server: one client, whose commands raise polystore's errors only."""

from __future__ import annotations

import inspect
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

from redis.exceptions import NoScriptError

from polystore.errors import Closed, ConnectionFailed, PolystoreError
from polystore.types.reports import PoolUse
from polystore_redis.clients import in_use, make_client
from polystore_redis.errors import DRIVER_ERRORS, Translator
from polystore_redis.facts import Facts, facts_of
from polystore_redis.held import Held
from polystore_redis.packing import Tally

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from polystore_redis.config import RedisConfig

Argument = bytes | str | int | float
Command = tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script of this package, which servers keep under its digest."""

    source: bytes
    sha: bytes

    def command(self, keys: Sequence[Argument], arguments: Sequence[Argument]) -> Command:
        """Return the command that runs it."""
        return ("EVALSHA", self.sha, b"%d" % len(keys), *keys, *arguments)

    def whole(self, command: Command) -> Command:
        """Return `command` with the script itself, for a server that does not know it yet."""
        return ("EVAL", self.source, *command[2:])


_KNOWN: dict[bytes, Script] = {}
"""Scripts by their digest, for servers that have to be told them once more."""


@cache
def script(*names: str) -> Script:
    """Return the script made of the files `lua/NAME.lua`, one after the other."""
    folder = files("polystore_redis") / "lua"
    source = "\n".join((folder / f"{name}.lua").read_text(encoding="utf-8") for name in names)
    text = source.encode()
    sha = sha1(text, usedforsecurity=False).hexdigest().encode()
    made = Script(text, sha)
    _KNOWN[sha] = made
    return made


class Server:
    """What the drivers talk to.

    Args:
        name: The backend's name, for errors.
        config: The block.
        socket: Of the embedded server.
    """

    def __init__(self, name: str, config: RedisConfig, socket: Path | None = None) -> None:
        self.name = name
        self.config = config
        self.translator = Translator(name, config.secrets)
        self._tally = Tally()
        self._client: Any = make_client(config, socket, self._tally)
        self._facts: Facts | None = None

    async def open(self) -> None:
        """Connect and learn what the server is."""
        try:
            # A client of one server connects at its first command, that of a cluster here.
            started = self._client.initialize()
            if inspect.isawaitable(started):
                await started
            self._facts = await facts_of(self._client)
        except DRIVER_ERRORS as error:
            raise self.translator.error(error) from error

    async def close(self) -> None:
        """Close every connection; safe to call twice."""
        client, self._client = self._client, None
        if client is None:
            return
        await client.aclose()
        pool = getattr(client, "connection_pool", None)  # a cluster has one for each node
        if pool is not None:
            await pool.disconnect()
        watch = getattr(pool, "sentinel_manager", None)
        sentinels: list[Any] = [] if watch is None else watch.sentinels
        for sentinel in sentinels:
            await sentinel.aclose()
            await sentinel.connection_pool.disconnect()

    @property
    def client(self) -> Any:
        """The driver's client."""
        if self._client is None:
            raise Closed("the backend is not open", backend=self.name)
        return self._client

    def pool_use(self) -> PoolUse | None:
        """Return what the connections are doing, those to all nodes of a cluster together."""
        if self._client is None:
            return None
        used, created, closed = in_use(self._client), self._tally.created, self._tally.closed
        idle = max(created - closed - used, 0)
        pool = getattr(self._client, "connection_pool", None)
        maximum = None if pool is None else pool.max_connections
        return PoolUse(used, idle, getattr(pool, "waiting", 0), maximum, created, closed)

    @property
    def facts(self) -> Facts:
        """What the server is."""
        if self._facts is None:
            raise Closed("the backend is not open", backend=self.name)
        return self._facts

    async def command(self, *command: Argument) -> Any:
        """Return the answer to one command."""
        try:
            return await self.client.execute_command(*command)
        except NoScriptError:
            pass
        except DRIVER_ERRORS as error:
            raise await self._failed(error) from error
        # Only EVALSHA is answered so: the server was restarted, or has never seen the script.
        return await self.command(*_with_source(command))

    async def time(self) -> tuple[int, int]:
        """Return what time it is there: seconds and microseconds; of a cluster on one node."""
        try:
            found: Any = await self.client.time()
        except DRIVER_ERRORS as error:
            raise self.translator.error(error) from error
        nodes = cast("dict[str, Any]", found) if isinstance(found, dict) else {"": found}
        seconds, micros = next(iter(nodes.values()))
        return int(seconds), int(micros)

    async def run(
        self, script: Script, keys: Sequence[Argument], arguments: Sequence[Argument]
    ) -> Any:
        """Return the answer of a script; all its keys are in one slot."""
        return await self.command(*script.command(keys, arguments))

    async def many(self, commands: Sequence[Command]) -> list[Any]:
        """Return the answers to independent commands that are sent together.

        Raises:
            PolystoreError: That of the first command that failed; others may have been carried out.
        """
        if len(commands) == 1:
            return [await self.command(*commands[0])]
        answers = await self._send(commands)
        unknown = [n for n, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            again = await self._send([_with_source(commands[n]) for n in unknown])
            for position, answer in zip(unknown, again, strict=True):
                answers[position] = answer
        for answer in answers:
            if isinstance(answer, Exception):
                raise await self._failed(answer) from answer
        return answers

    async def strings(self, groups: Sequence[Sequence[bytes]]) -> list[list[bytes | None]]:
        """Return what is stored under keys, None where there is none.

        Args:
            groups: Keys; those of one group are in one slot, and are read at one moment.

        Raises:
            SchemaMismatch: A key is of another type.
        """
        if len(groups) == len(groups[0]) == 1:
            return [[await self.command("GET", groups[0][0])]]
        answers = await self.many([("MGET", *keys) for keys in groups])
        # To MGET a key of another type is absent. What it did not find is looked for once more;
        # what was stored meanwhile stays absent: it may belong together with what was read before.
        if not any(None in rows for rows in answers):
            return answers
        absent = [
            [key for key, row in zip(keys, rows, strict=True) if row is None]
            for keys, rows in zip(groups, answers, strict=True)
        ]
        absent = [keys for keys in absent if keys]
        if any(await self.many([("EXISTS", *keys) for keys in absent])):
            await self.many([("GET", key) for keys in absent for key in keys])
        return answers

    @asynccontextmanager
    async def held(self) -> AsyncGenerator[Held]:
        """Lend a connection to a server that is no cluster; what fails inside ends the connection.

        Raises:
            PolystoreError: What the driver raised inside, translated.
        """
        pool = self.client.connection_pool
        try:
            connection = await pool.get_connection()
        except DRIVER_ERRORS as error:
            raise await self._failed(error) from error
        try:
            yield Held(connection)
        except BaseException as error:
            await connection.disconnect(nowait=True)
            if isinstance(error, DRIVER_ERRORS):
                raise await self._failed(error) from error
            raise
        finally:
            await pool.release(connection)

    async def _send(self, commands: Sequence[Command]) -> list[Any]:
        try:
            settings = {} if self.facts.cluster else {"transaction": False}
            pipeline = self.client.pipeline(**settings)
            for command in commands:
                pipeline.execute_command(*command)
            return await pipeline.execute(raise_on_error=False)
        except DRIVER_ERRORS as error:
            raise await self._failed(error) from error

    async def _failed(self, error: Exception) -> PolystoreError:
        """Return what to raise, having asked a cluster anew who serves what.

        The driver asks when a node sends it elsewhere, not when a node is gone.
        """
        told = self.translator.error(error)
        if self._facts is not None and self._facts.cluster and isinstance(told, ConnectionFailed):
            try:
                await self.client.nodes_manager.initialize()
            except DRIVER_ERRORS as second:
                told.add_note(f"and the cluster does not tell who serves what: {second}")
        return told


def _with_source(command: Command) -> Command:
    return _KNOWN[cast("bytes", command[1])].whole(command)
