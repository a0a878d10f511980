"""The postmaster's own record of itself, and whether it is still there."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

_MINIMUM_LINES = 5
_STATUS_LINE = 7


@dataclass(frozen=True)
class Postmaster:
    """What `postmaster.pid` says.

    Attributes:
        pid: The process.
        data: Its data folder.
        sockets: The folder of its socket, once it has one.
        ready: Whether it said that it accepts connections.
    """

    pid: int
    data: Path
    sockets: Path | None
    ready: bool

    @classmethod
    def read(cls, data: Path) -> Postmaster | None:
        """Return the record in `data`, or None where there is none."""
        try:
            text = os.fsdecode((data / "postmaster.pid").read_bytes())
        except FileNotFoundError:
            return None
        lines = text.split("\n")
        if not lines[0].strip().lstrip("-").isdigit():
            return None  # just being written
        has_socket = len(lines) > _MINIMUM_LINES - 1 and bool(lines[4])
        return cls(
            pid=abs(int(lines[0])),
            data=data,
            sockets=Path(lines[4]) if has_socket else None,
            ready=len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready",
        )

    def alive(self) -> bool:
        """Return whether that process is a PostgreSQL server on this folder.

        After a crash its number may belong to somebody else, so the number alone says little.
        """
        if not running(self.pid):
            return False
        process = Path("/proc") / str(self.pid)
        if not process.exists():
            return running(self.pid)  # a system without /proc: the number has to do
        try:
            return (process / "cwd").samefile(self.data)
        except PermissionError:  # another user's process in a container without ptrace
            return "(postgres)" in _stat_line(self.pid)
        except FileNotFoundError:
            return False

    def listening(self) -> bool:
        """Return whether its socket takes connections."""
        if self.sockets is None:
            return False
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            try:
                probe.connect(os.fspath(self.sockets / ".s.PGSQL.5432"))
            except BlockingIOError:  # a full backlog: it is there, and busy
                return True
            except OSError:
                return False
        return True


def running(pid: int) -> bool:
    """Return whether process `pid` exists and is not a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it exists and belongs to somebody else
    return _stat_line(pid).rpartition(")")[2].split()[:1] not in (["Z"], ["X"])


def _stat_line(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text()
    except OSError:  # gone in the meantime, or a system without /proc
        return ""
