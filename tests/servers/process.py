"""Starting a server as a child of the test run, and ending it whatever happens."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from polystore_postgres.oshost import ServerUser, child_environment, server_user

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

START_TIMEOUT = 120.0


def free_port() -> int:
    """Return a port that was free a moment ago; servers that lose the race are started anew."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_ports(count: int) -> list[int]:
    """Return different ports that were free a moment ago."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


@contextlib.contextmanager
def server_folder() -> Generator[tuple[Path, ServerUser]]:
    """A temporary folder, and the user (not root) who owns it and runs servers in it."""
    folder = Path(tempfile.mkdtemp(prefix="polystore-test-"))
    try:
        user = server_user(folder / "data")
        user.own(folder)
        yield folder, user
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def running(
    argv: list[str],
    user: ServerUser,
    log: Path,
    ready: Callable[[], bool],
    stop: signal.Signals = signal.SIGINT,
    environment: dict[str, str] | None = None,
) -> Generator[int]:
    """Run a server until the block ends; yield its process id.

    Args:
        argv: Its command.
        user: Whom it runs as.
        log: Where its output goes.
        ready: Whether it answers.
        stop: The signal that stops it cleanly; it is killed where that does not help.
        environment: Variables that it gets besides the usual ones.
    """
    launch = user.launch(argv, log.parent, Path(argv[0]).parent)
    with log.open("ab") as output:
        process = subprocess.Popen(
            launch.argv,
            user=launch.uid,
            group=launch.gid,
            extra_groups=launch.groups,
            cwd="/",
            env={**child_environment(), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + START_TIMEOUT
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{argv[0]} did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.02)
        yield process.pid
    finally:
        process.send_signal(stop)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(port: int) -> bool:
    """Return whether something listens on `port` of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
