"""Runs Milvus Lite on a folder: `python -m polystore_milvus.lite FOLDER SOCKET`."""

from __future__ import annotations

import signal
import sys
import threading

from milvus_lite.adapter.grpc.server import start_server_in_thread


def main(folder: str, socket: str) -> None:
    """Serve until asked to stop.

    One call at a time: Lite does not allow for two writers of a collection.
    """
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked.set())
    server, database, _ = start_server_in_thread(folder, "unix", socket, max_workers=1)  # pyright: ignore[reportArgumentType] - host and port are joined by a colon
    asked.wait()
    server.stop(grace=5).wait()
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
