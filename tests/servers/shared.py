"""One heavy server for all worker processes of a test run.

The worker that needs it first starts it; it stops it too, once every other worker has let go. For
that wait it ends with the session and not as a fixture, whose end counts against a test's timeout.
A fixture of session scope is one line: `return shared(request, "redis", start)`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager
    from pathlib import Path

Address = dict[str, Any]
"""What a worker needs to reach the server: plain JSON."""


_KEPT = pytest.StashKey[contextlib.ExitStack]()


def shared(
    request: pytest.FixtureRequest, name: str, start: Callable[[], AbstractContextManager[Address]]
) -> Address:
    """Return the address of a server that all workers of this run share until it ends.

    Args:
        request: Of the fixture.
        name: Of the server.
        start: Runs the server while the block lasts; called in at most one worker at a time.
    """
    factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
    base = factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    kept = request.config.stash.setdefault(_KEPT, contextlib.ExitStack())
    return kept.enter_context(shared_server(name, folder, start))


def release(config: pytest.Config) -> None:
    """Let go of what `shared` returned; the one that started a server waits for the others."""
    config.stash.setdefault(_KEPT, contextlib.ExitStack()).close()


@contextlib.contextmanager
def shared_server(
    name: str, folder: Path, start: Callable[[], AbstractContextManager[Address]]
) -> Generator[Address]:
    """Yield the address of a server that the workers share.

    Args:
        name: Of the server, within `folder`.
        folder: Where the workers find one another.
        start: Runs the server while the block lasts; called in at most one worker at a time.
    """
    announced = folder / f"{name}.json"
    with contextlib.ExitStack() as stack:
        with _locked(folder / f"{name}.lock", fcntl.LOCK_EX):
            if announced.exists():
                text = announced.read_text()
            else:
                users = f"{name}-{secrets.token_hex(4)}.users"
                text = json.dumps({"users": users, "address": stack.enter_context(start())})
                stack.enter_context(_ended_last(name, folder, users))
                announced.write_text(text)
            server: dict[str, Any] = json.loads(text)
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
