"""Runs Milvus Lite in the background: `python -m polystore_milvus.lite FOLDER SOCKET PID LOG`."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
from importlib.util import find_spec, module_from_spec
from pathlib import Path


def main(folder: str, socket: str, pid_file: str, log: str) -> None:
    """Leave a process behind that serves until it is asked to stop."""
    if os.fork():
        return
    os.setsid()
    with Path(log).open("ab", buffering=0) as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    with Path(pid_file).open("a") as file:
        # Held as long as this process lives: a number alone may be another one's by then.
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"another server is still there: {pid_file}")
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        serve(folder, socket)


def serve(folder: str, socket: str) -> None:
    """Serve until SIGTERM.

    One call at a time: Lite does not allow for two writers of a collection.
    """
    _import_no_client()
    # Only here: it starts threads, which a fork would not take along.
    from milvus_lite.adapter.grpc.server import (  # pyright: ignore[reportMissingTypeStubs]
        start_server_in_thread,
    )

    asked = threading.Event()

    def ask(_signal: int, _frame: object) -> None:
        asked.set()

    signal.signal(signal.SIGTERM, ask)
    server, database, _ = start_server_in_thread(folder, "unix", socket, max_workers=1)  # pyright: ignore[reportArgumentType] - host and port are joined by a colon
    asked.wait()
    server.stop(grace=5).wait()
    database.close()


def _import_no_client() -> None:
    """Have pymilvus known as a folder of modules only.

    Lite takes its messages from there. The client, which it has no use for, would load pandas
    first, and that takes three times as long as Lite itself.
    """
    spec = find_spec("pymilvus")
    if spec is None:
        raise ModuleNotFoundError("pymilvus is missing", name="pymilvus")
    sys.modules["pymilvus"] = module_from_spec(spec)


if __name__ == "__main__":
    main(*sys.argv[1:])
