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
from typing import TYPE_CHECKING, Final

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

    program = "milvus-lite"

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
        places = (self.folder / "data", self.socket, self.pid_file, self.log)
        subprocess.run(  # noqa: S603 - our own module, arguments of our own
            # -P: not what happens to lie in the application's working directory.
            [sys.executable, "-P", "-m", "polystore_milvus.lite", *map(str, places)],
            check=True,
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE,
        )

    @override
    def answers(self) -> bool:
        if not self.socket.exists():
            return False
        # One that lives may be busy with a long call, as it does one at a time.
        patience = PATIENCE if self._is_running() else _ANSWER
        with grpc.insecure_channel(f"unix:{self.socket}") as channel:
            stub = MilvusServiceStub(channel)
            try:
                stub.GetVersion(milvus_pb2.GetVersionRequest(), timeout=patience)
            except grpc.RpcError:
                return False
        return True

    @override
    def shut_down(self) -> None:
        if not self._is_running():
            return  # it died before: who comes next starts it again
        os.kill(int(self.pid_file.read_text()), signal.SIGTERM)
        within(PATIENCE, lambda: not self._is_running())

    def _is_running(self) -> bool:
        """Return whether the process that wrote its number lives, which holds the file."""
        try:
            with self.pid_file.open() as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False
