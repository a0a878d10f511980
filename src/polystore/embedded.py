"""A server of this machine's own, shared by the processes that use its folder.

Every user holds a shared lock on a file in the folder; who leaves last stops the server. One that
died is started again by who comes next.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import tempfile
import time
from abc import ABC, abstractmethod
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from polystore.errors import ConnectionFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from io import FileIO

PATIENCE: Final = 60.0
"""Seconds that a server has for starting, and for stopping."""
_LONGEST_SOCKET: Final = 100
"""Bytes of a path that every system takes for a socket."""


class SharedServer(ABC):
    """One folder's server, as one client uses it; its hooks are called in a thread.

    Args:
        backend: For errors.
        folder: Holds the data.

    Attributes:
        program: What its socket, its log and the file with its process number are named after.
    """

    program: ClassVar[str]

    def __init__(self, backend: str, folder: Path) -> None:
        self.backend = backend
        self.folder = folder
        self._users: FileIO | None = None

    @abstractmethod
    def launch(self) -> None:
        """Start the server in the background, as a process of its own session."""

    @abstractmethod
    def answers(self) -> bool:
        """Return whether it is there and ready."""

    @abstractmethod
    def shut_down(self) -> None:
        """Stop it; nothing to do where it has died."""

    async def start(self) -> Path:
        """Start it unless somebody has; return its socket.

        Raises:
            ConnectionFailed: It does not start.
            UnsupportedError: What it needs is not installed.
        """
        return await asyncio.to_thread(self._start)

    async def stop(self) -> None:
        """Let go of it, and stop it if nobody else uses it; safe to call twice."""
        await asyncio.to_thread(self._stop)

    @property
    def socket(self) -> Path:
        """Its Unix socket."""
        inside = self.folder / f"{self.program}.sock"
        if len(os.fsencode(inside)) <= _LONGEST_SOCKET:
            return inside
        name = sha256(os.fsencode(self.folder)).hexdigest()[:24]
        return Path(tempfile.gettempdir()) / f"polystore-{os.getuid()}-{name}.sock"

    @property
    def log(self) -> Path:
        """Where it writes what it has to say."""
        return self.folder / f"{self.program}.log"

    @property
    def pid_file(self) -> Path:
        """Where its process number stands."""
        return self.folder / f"{self.program}.pid"

    def _start(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._only_one():
            users = (self.folder / "users.lock").open("ab", buffering=0)
            try:
                fcntl.flock(users, fcntl.LOCK_SH)
                if not self.answers():
                    self._launch()
            except BaseException:
                users.close()
                raise
            self._users = users
        return self.socket

    def _launch(self) -> None:
        self.socket.unlink(missing_ok=True)  # of a server that was killed
        self.launch()
        if not within(PATIENCE, self.answers):
            told = self.log.read_text(errors="replace")[-500:] if self.log.exists() else "no log"
            raise ConnectionFailed(
                f"the embedded server in {self.folder} does not start: {told}",
                backend=self.backend,
                hint=f"Look at {self.log.name} there; the data is left as it is",
                retryable=False,
                maybe_applied=False,
            )

    def _stop(self) -> None:
        users, self._users = self._users, None
        if users is None:
            return
        with self._only_one(), users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # others still use it
            self.shut_down()

    @contextlib.contextmanager
    def _only_one(self) -> Generator[None]:
        """Hold off every other process, and thread, that starts or stops this server."""
        with (self.folder / "start.lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def within(seconds: float, done: Callable[[], bool]) -> bool:
    """Return whether `done` becomes true in time."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def is_alive(pid: int) -> bool:
    """Return whether there is a process `pid`."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
