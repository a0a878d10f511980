"""One heavy server for all worker processes of a test run.

The worker that needs it first starts it; it stops it too, once every other worker has let go.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import secrets
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pytest

Address = dict[str, Any]
"""What a worker needs to reach the server: plain JSON."""


def run_folder(factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all workers of this run share, and no other run."""
    base = factory.getbasetemp()
    return base.parent if base.name.startswith("popen-") else base


@contextlib.contextmanager
def shared_server(
    name: str, folder: Path, start: Callable[[], AbstractContextManager[Address]]
) -> Generator[Address]:
    """Yield the address of a server that the workers share.

    Args:
        name: Of the server, within `folder`.
        folder: See `run_folder`.
        start: Runs the server while the block lasts; called in at most one worker at a time.
    """
    announced = folder / f"{name}.json"
    with contextlib.ExitStack() as stack:
        with _locked(folder / f"{name}.lock", fcntl.LOCK_EX):
            if announced.exists():
                server = json.loads(announced.read_text())
            else:
                server = {"users": f"{name}-{secrets.token_hex(4)}.users"}
                server["address"] = stack.enter_context(start())
                stack.enter_context(_ended_last(name, folder, server["users"]))
                announced.write_text(json.dumps(server))
            stack.enter_context(_locked(folder / server["users"], fcntl.LOCK_SH))
        yield server["address"]


@contextlib.contextmanager
def _ended_last(name: str, folder: Path, users: str) -> Generator[None]:
    """When the block ends: take the announcement back, then wait for those who read it."""
    yield
    with _locked(folder / f"{name}.lock", fcntl.LOCK_EX):
        (folder / f"{name}.json").unlink()
    with _locked(folder / users, fcntl.LOCK_EX):
        pass


@contextlib.contextmanager
def _locked(path: Path, how: int) -> Generator[None]:
    with path.open("a") as file:
        fcntl.flock(file, how)
        yield
