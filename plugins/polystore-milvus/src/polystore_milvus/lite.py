"""Runs Milvus Lite in the background: `python -m polystore_milvus.lite FOLDER SOCKET PID LOG`."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
from importlib.abc import MetaPathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path

from typing_extensions import override


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
    _import_less()
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


class _NoPandas(MetaPathFinder):
    """Has pandas, which may be installed, not found."""

    @override
    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("not here", name=fullname)


def _import_less() -> None:
    """Keep out what Lite has no use for, and what takes longer to load than Lite itself.

    Of pymilvus it takes the messages, whose package would import the client, and that pandas. And
    pyarrow imports pandas, where there is one, to see whether something is a table of that.
    """
    spec = find_spec("pymilvus")
    if spec is None:
        raise ModuleNotFoundError("pymilvus is missing", name="pymilvus")
    sys.modules["pymilvus"] = module_from_spec(spec)  # a folder of modules, and nothing run
    sys.meta_path.insert(0, _NoPandas())


if __name__ == "__main__":
    main(*sys.argv[1:])
