"""The process in which other libraries run."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncGenerator

_ROOT = Path(__file__).resolve().parents[2]
_PYTHON = _ROOT / ".tools" / "peers" / "bin" / "python"
_SCRIPT = Path(__file__).parent / "there" / "serve.py"
_LINE = 16 << 20
"""Bytes that an answer may have."""


class Peers:
    """Other libraries, to be asked one thing after the other."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def ask(self, what: str, **arguments: Any) -> Any:
        """Return what a method of `serve.py` returns.

        Raises:
            RuntimeError: It failed; what it said is on standard error.
        """
        sending, receiving = self._process.stdin, self._process.stdout
        assert sending is not None
        assert receiving is not None
        sending.write(orjson.dumps({"do": what, **arguments}) + b"\n")
        await sending.drain()
        line = await receiving.readline()
        if not line:
            raise RuntimeError(f"the process of other libraries ended while asked for {what}")
        return orjson.loads(line)


@asynccontextmanager
async def running(folder: Path, socket: str, valkey: str, ef: int) -> AsyncGenerator[Peers]:
    """Start the process.

    Args:
        folder: Where what is stored was written for it.
        socket: Folder of PostgreSQL's socket.
        valkey: Valkey's socket.
        ef: Candidates of the vector index that a search looks at.

    Raises:
        FileNotFoundError: Its environment is not there.
    """
    if not _PYTHON.exists():
        raise FileNotFoundError("there is no .tools/peers: run `make bench`, which makes it")
    command = [str(_PYTHON), str(_SCRIPT), str(folder), socket, valkey, str(ef)]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, limit=_LINE)
    try:
        yield Peers(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
