"""Processes that are killed where a test says, each forked from one that has read the code."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

_LOOP = """
import json, os, sys, traceback

for line in sys.stdin:
    pid = os.fork()
    if not pid:
        try:
            work(*json.loads(line))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    print(os.waitpid(pid, 0)[1], flush=True)
"""


class Workers:
    """Processes that do the same with other arguments.

    Args:
        process: What they are forked from.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, *arguments: Any) -> bool:
        """Call `work` in a process of its own; return False if it killed itself."""
        ask, answer = self._process.stdin, self._process.stdout
        assert ask is not None
        assert answer is not None
        ask.write(json.dumps(arguments) + "\n")
        ask.flush()
        status = int(answer.readline())
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            return False
        assert os.WEXITSTATUS(status) == 0, "it says why on standard error"
        return True


@contextlib.contextmanager
def forked(program: str) -> Generator[Workers]:
    """Yield what runs `work`, a function that `program` defines; its arguments come as JSON."""
    process = subprocess.Popen(
        [sys.executable, "-c", program + _LOOP],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )
    with process:
        yield Workers(process)
        assert process.stdin is not None
        process.stdin.close()
