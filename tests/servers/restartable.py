"""A PostgreSQL that a test kills and starts again, with the same data on the same port."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from polystore_postgres.postmaster import Postmaster

if TYPE_CHECKING:
    from servers.postgres import PostgresServer


class Restartable:
    """A server that can be killed and started again on the same port."""

    def __init__(self, server: PostgresServer) -> None:
        command = Path(f"/proc/{server.pid}/cmdline").read_bytes().split(b"\0")[:-1]
        self.command = [os.fsdecode(word) for word in command]
        self.data = Path(self.command[self.command.index("-D") + 1])
        self.owner = self.data.stat()
        self.pid = server.pid
        self.process: subprocess.Popen[bytes] | None = None

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)  # a zombie would keep its number, which the next one looks at

    def start(self) -> None:
        """Start it, again and again while what is left of the old one goes."""
        root = os.geteuid() == 0
        while True:
            self.process = subprocess.Popen(
                self.command,
                user=self.owner.st_uid if root else None,
                group=self.owner.st_gid if root else None,
                extra_groups=[] if root else None,
                cwd="/",
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            while self.process.poll() is None:
                found = Postmaster.read(self.data)
                if found is not None and found.pid == self.process.pid and found.ready:
                    return
                time.sleep(0.01)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait()
