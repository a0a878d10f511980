"""The embedded PostgreSQL: one server per folder, shared by every process that uses the folder.

Who owns it: all its users together. Each holds a shared lock on `postgres.users` for as long as
it uses the folder; the kernel drops that lock when a process dies, however it dies. The one that
closes last stops the server. If the last one is killed, the server stays, idle and harmless,
until the next user finds it (which makes that start instant), uses it, and stops it.

Starting and stopping happen under an exclusive lock on `postgres.lock`, and a new database is
made beside its final place and renamed into it, so a kill at any point leaves either nothing or
a whole database. The wheel's binaries are used directly: its own start-up locks the machine
instead of the folder, opens parent folders to everybody, and keeps process numbers in a file.

The server listens on a Unix socket only, in a folder that only its user may enter.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from polystore.errors import ConfigError, ConnectionFailed, OperationTimeout, PolystoreError
from polystore_postgres.oshost import (
    SOCKET_NAME,
    ServerUser,
    binaries,
    server_user,
    socket_folder,
)
from polystore_postgres.postmaster import Postmaster, running

if TYPE_CHECKING:
    from collections.abc import Generator

PORT = 5432
USER = "postgres"
DATABASE = "postgres"
MAJOR_VERSION = "18"
_START_TIMEOUT = 120.0
_STOP_TIMEOUT = 120.0
_POLL = 0.01
_ATTEMPTS = 4
_MAX_DATA_PATH = 900  # PostgreSQL's own limit for any path is 1,023 bytes
_MAX_LOG = 1 << 20
_SMALL_SHM = 512 << 20


class EmbeddedServer:
    """One use of the server in a folder, from `acquire` to `release`.

    Attributes:
        folder: What the configuration calls `path`.
        data: PostgreSQL's data folder in it.
        host: The socket's folder, which is what drivers take as the host.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(os.path.realpath(folder.expanduser()))  # resolve() balks at loops
        self.data = self.folder / "postgres"
        self.log = self.data / "server.log"
        self.host = ""
        self._users: int | None = None
        self._process = os.getpid()
        self._given_up = threading.Event()

    @property
    def dsn(self) -> str:
        """A libpq keyword string for this server, without secrets: there are none."""
        host = self.host.replace("\\", "\\\\").replace("'", "\\'")
        return f"host='{host}' port={PORT} user={USER} dbname={DATABASE}"

    def give_up(self) -> None:
        """Make a running `acquire` in another thread end soon."""
        self._given_up.set()

    def acquire(self) -> None:
        """Make sure that the server runs, and hold it. Blocks.

        Raises:
            ConfigError: The folder or the installation does not allow it.
            ConnectionFailed: The server did not start; the message ends with its log.
            OperationTimeout: Another process held the folder's lock for too long.
        """
        self._check_folder()
        tools = binaries()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            user = server_user(self.data)
            with self._exclusive(_START_TIMEOUT) as lock:
                self._ensure_database(tools, user, lock)
                found = self._running() or self._start(tools, user)
                self.host = str(found.sockets)
                self._users = self._open("postgres.users")
                fcntl.flock(self._users, fcntl.LOCK_SH)
        except OSError as error:
            raise self._unusable(error) from error
        atexit.register(self.release)

    def revive(self) -> None:
        """Start the server again if it died while we use it; does nothing otherwise. Blocks.

        Raises:
            ConfigError: The folder is not there any more.
            ConnectionFailed: The server did not start; the message ends with its log.
            OperationTimeout: Another process held the folder's lock for too long.
        """
        try:
            with self._exclusive(_START_TIMEOUT):
                if self._users is None or os.getpid() != self._process:
                    return  # released meanwhile, or a fork's copy of somebody else's use
                if self._running() is None:
                    self.host = str(self._start(binaries(), server_user(self.data)).sockets)
        except OSError as error:
            raise self._unusable(error) from error

    def abandon(self) -> None:
        """Undo an `acquire` that was given up, whether it had succeeded or not. Blocks."""
        self._given_up.clear()
        self.release()

    def release(self) -> None:
        """Stop using the server; the last user stops it. Blocks. May be called again.

        Raises:
            OperationTimeout: The server did not stop in time; it is still stopping.
        """
        users, self._users = self._users, None
        atexit.unregister(self.release)
        if users is None:
            return
        if os.getpid() != self._process:  # a forked child closes its copy, not the use
            os.close(users)
            return
        try:
            with self._exclusive(_STOP_TIMEOUT):
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return  # somebody else still uses it
                self._stop()
        except FileNotFoundError:
            return  # somebody removed the folder; the server notices that itself and ends
        finally:
            os.close(users)

    async def close(self) -> None:
        """Stop using the server without blocking the event loop."""
        await _finish(asyncio.ensure_future(asyncio.to_thread(self.release)))

    def _unusable(self, error: OSError) -> ConfigError:
        return ConfigError(
            f"the embedded database's folder {self.folder} cannot be used: {error.strerror}",
            hint="Check its permissions and the free space, or choose another (path:)",
        )

    def _check_folder(self) -> None:
        name = os.fsencode(self.data)
        if b"\n" in name or b"\r" in name or len(name) > _MAX_DATA_PATH:
            raise ConfigError(
                f"an embedded database cannot live in {str(self.folder)!r}",
                hint=f"Use a path without line breaks and under {_MAX_DATA_PATH} bytes",
            )

    def _open(self, name: str) -> int:
        path = self.folder / name
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        owner = self.folder.stat()
        if os.geteuid() == 0 and os.fstat(descriptor).st_uid != owner.st_uid:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)  # so that the owner can lock it too
        return descriptor

    @contextlib.contextmanager
    def _exclusive(self, timeout: float) -> Generator[int]:
        descriptor = self._open("postgres.lock")
        deadline = time.monotonic() + timeout
        try:
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    self._pause(deadline, "waiting for another process to start or stop it")
            yield descriptor
        finally:
            os.close(descriptor)  # also drops the lock

    def _pause(self, deadline: float, doing: str) -> None:
        if self._given_up.is_set():
            raise OperationTimeout(f"gave up {doing}")
        if time.monotonic() > deadline:
            raise OperationTimeout(
                f"the embedded database in {self.folder}: timed out {doing}",
                hint=f"See {self.log}",
            )
        time.sleep(_POLL)

    def _ensure_database(self, tools: Path, user: ServerUser, lock: int) -> None:
        version = self.data / "PG_VERSION"
        if version.exists():
            found = version.read_text(errors="replace").strip()
            if found != MAJOR_VERSION:
                raise ConfigError(
                    f"{self.data} was made by PostgreSQL {found}, not {MAJOR_VERSION}",
                    hint="Dump it with its own version, or choose another folder (path:)",
                )
            return
        if self.data.exists():
            raise ConfigError(
                f"{self.data} exists and is no PostgreSQL database",
                hint="Move it away, or choose another folder (path:)",
            )
        self._make_database(tools, user, lock)

    def _make_database(self, tools: Path, user: ServerUser, lock: int) -> None:
        new = self.folder / "postgres.new"
        if new.exists():  # of a process that was killed while making it
            shutil.rmtree(new)
        new.mkdir(mode=0o700)
        user.own(new)
        argv = [str(tools / "initdb"), "-D", str(new), "-U", USER, "-A", "trust"]
        argv += ["-E", "UTF8", "--locale=C", "--no-instructions"]
        # initdb holds the folder's lock too: if we are killed, the next process waits for it.
        done = user.run(argv, new, tools, stderr=subprocess.STDOUT, keep=(lock,))
        if done.returncode != 0:
            raise ConnectionFailed(
                f"initdb failed in {self.folder}: {_tail(done.stdout)}", retryable=False
            )
        new.rename(self.data)

    def _running(self) -> Postmaster | None:
        """Return the server that runs already, waiting while it starts or stops."""
        deadline = time.monotonic() + _START_TIMEOUT
        while (found := Postmaster.read(self.data)) is not None:
            if found.ready and found.listening():
                return found
            if not found.alive():
                # The number may belong to another process by now, for which PostgreSQL would
                # refuse to start; that nothing of the old server is left it checks again itself.
                (self.data / "postmaster.pid").unlink(missing_ok=True)
                return None
            self._pause(deadline, "waiting for the server that is starting or stopping")
        return None

    def _start(self, tools: Path, user: ServerUser) -> Postmaster:
        position = 0
        for attempt in range(_ATTEMPTS):
            position = self._log_size(user)
            pid = self._launch_postmaster(tools, user)
            try:
                found = self._await_ready(pid)
            except OperationTimeout:
                _end(pid)  # nobody holds it, so nobody else would ever stop it
                raise
            if found is not None:
                return found
            # The killed predecessor's processes may need a moment to notice and to go.
            time.sleep(0.2 * 2**attempt)
        with self.log.open("rb") as log:
            log.seek(position)
            reason = _tail(log.read())
        raise ConnectionFailed(
            f"the embedded database in {self.folder} does not start: {reason}", retryable=False
        )

    def _await_ready(self, pid: int) -> Postmaster | None:
        """Return the server once it answers; None if `pid` ended and there is none."""
        deadline = time.monotonic() + _START_TIMEOUT
        while True:
            gone = not running(pid)
            found = Postmaster.read(self.data)
            if found is not None and found.ready and found.listening():
                return found
            if gone and (found is None or not found.alive()):
                return None
            self._pause(deadline, "waiting for the server to start")

    def _log_size(self, user: ServerUser) -> int:
        if self.log.exists() and self.log.stat().st_size > _MAX_LOG:
            self.log.replace(self.log.with_suffix(".log.old"))
        self.log.touch(mode=0o600)
        user.own(self.log)
        return self.log.stat().st_size

    def _launch_postmaster(self, tools: Path, user: ServerUser) -> int:
        sockets = socket_folder(self.data, user)
        # No server runs here (we hold the lock and looked), so a lock file in its private folder
        # is stale; PostgreSQL would believe it if its number belongs to somebody by now.
        (sockets / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)
        quoted = '"' + str(sockets).replace('"', '""') + '"'
        settings = {
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": quoted,
            "unix_socket_permissions": "0700",
            "max_connections": "300",
            "random_page_cost": "1.1",  # from memory, or from a disk without arms
            "log_min_messages": "warning",
            "log_timezone": "UTC",
            "timezone": "UTC",
            "dynamic_shared_memory_type": _shared_memory_type(),
        }
        argv = [str(tools / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        # A shell in between, so that the server is nobody's child: it outlives us without
        # becoming a zombie, and no Ctrl-C for our terminal reaches it. It parses no argument.
        script = '"$@" >&2 & echo $!'
        with self.log.open("ab") as log:
            done = user.run(
                ["/bin/sh", "-c", script, "sh", *argv],
                self.data,
                tools,
                stderr=log.fileno(),
                new_session=True,
            )
        if done.returncode != 0:
            raise ConnectionFailed(f"the shell failed to start {argv[0]}", retryable=False)
        return int(done.stdout)

    def _stop(self) -> None:
        found = Postmaster.read(self.data)
        if found is None or not found.alive():
            return
        os.kill(found.pid, signal.SIGINT)  # "fast": clients are disconnected, data is flushed
        deadline = time.monotonic() + _STOP_TIMEOUT
        while running(found.pid):  # it removes its pid file a moment before it ends
            self._pause(deadline, "waiting for the server to stop")
        if found.sockets is not None and found.sockets != self.data:
            with contextlib.suppress(OSError):  # not empty, or gone: no harm in either
                found.sockets.rmdir()


async def start_embedded(folder: Path) -> EmbeddedServer:
    """Start or join the embedded server in `folder`; `close` it when done.

    Safe for any number of processes at once. Never blocks the event loop; a cancelled call
    leaves nothing behind.

    Raises:
        ConfigError: The folder or the installation does not allow it.
        ConnectionFailed: The server did not start; the message ends with its log.
        OperationTimeout: Another process held the folder's lock for too long.
    """
    server = EmbeddedServer(folder)
    started = asyncio.ensure_future(asyncio.to_thread(server.acquire))
    try:
        await asyncio.shield(started)
    except asyncio.CancelledError:
        server.give_up()
        with contextlib.suppress(PolystoreError):  # the cancellation is what the caller learns
            await _finish(started)
        await _finish(asyncio.ensure_future(asyncio.to_thread(server.abandon)))
        raise
    return server


async def _finish(work: asyncio.Future[None]) -> None:
    """Wait for `work` to its end, even when cancelled meanwhile; then let that be known."""
    cancelled = False
    while not work.done():
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            cancelled = True
    work.result()
    if cancelled:
        raise asyncio.CancelledError


def _end(pid: int) -> None:
    """Stop a server that has just been started and has no clients."""
    deadline = time.monotonic() + _STOP_TIMEOUT
    try:
        os.kill(pid, signal.SIGTERM)
        while running(pid) and time.monotonic() < deadline:
            time.sleep(_POLL)
    except ProcessLookupError:
        return  # it is gone already


def _shared_memory_type() -> str:
    """Containers often have a tiny /dev/shm, on which a parallel index build would fail."""
    try:
        space = os.statvfs("/dev/shm")  # noqa: S108  asked for its size only
    except OSError:
        return "posix"
    return "posix" if space.f_bavail * space.f_frsize >= _SMALL_SHM else "mmap"


def _tail(output: bytes, lines: int = 8) -> str:
    return " | ".join(output.decode(errors="replace").strip().splitlines()[-lines:])
