"""A Milvus Lite of this machine's own, from the wheel `milvus-lite`, in a process of its own.

Lite is a server in Python that one process may run on a folder. Run inside an application it
would compete with the event loop for the interpreter, and shut out every other process.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import grpc
from typing_extensions import override

from polystore.embedded import PATIENCE, SharedServer, within
from polystore.errors import UnsupportedError
from polystore_milvus.protocol import MilvusServiceStub, milvus_pb2

if TYPE_CHECKING:
    from polystore_milvus.config import MilvusConfig

_DEFAULT: Final = Path(".polystore") / "milvus"
_ANSWER: Final = 5.0
"""Seconds that a server which is there may take to say so."""


class EmbeddedServer(SharedServer):
    """One folder's server."""

    @classmethod
    def of(cls, backend: str, config: MilvusConfig) -> EmbeddedServer | None:
        """Return the server that `config` asks for, if it asks for an embedded one."""
        if config.embedded is False:
            return None
        folder = _DEFAULT if config.embedded is True else config.embedded
        return cls(backend, folder.absolute())

    @override
    def launch(self) -> None:
        if find_spec("milvus_lite") is None:
            raise UnsupportedError(
                "embedded needs the package milvus-lite",
                backend=self.backend,
                hint="pip install 'polystore-milvus[embedded]', or give a uri",
            )
        places = (self.folder / "data", self.socket, self._pid_file, self.log)
        subprocess.run(  # noqa: S603 - our own module, arguments of our own
            [sys.executable, "-m", "polystore_milvus.lite", *map(str, places)],
            check=True,
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE,
        )

    @override
    def answers(self) -> bool:
        if not self.socket.exists():
            return False
        with grpc.insecure_channel(f"unix:{self.socket}") as channel:
            stub = MilvusServiceStub(channel)
            try:
                stub.GetVersion(milvus_pb2.GetVersionRequest(), timeout=_ANSWER)
            except grpc.RpcError:
                return False
        return True

    @override
    def shut_down(self) -> None:
        if not self._pid_file.exists():
            return
        with self._pid_file.open() as file:
            if _is_free(file):
                return  # it died before: who comes next starts it again
            os.kill(int(file.read()), signal.SIGTERM)
            if within(PATIENCE, lambda: _is_free(file)):
                self._pid_file.unlink()

    @property
    @override
    def log(self) -> Path:
        return self.folder / "milvus-lite.log"

    @property
    def _pid_file(self) -> Path:
        return self.folder / "milvus-lite.pid"


def _is_free(file: IO[str]) -> bool:
    """Return whether the server that holds a pid file as long as it lives is gone."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
