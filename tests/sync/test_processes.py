"""Ends of interpreters, forks, interrupts from a keyboard: each in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from sync.conftest import MEMORY

PATIENCE = 120
"""Seconds until a process that hangs is given up; no measure of speed."""


def command(code: str, config: dict[str, Any]) -> list[str]:
    start = f"import json, polystore.sync\nCONFIG = json.loads({json.dumps(config)!r})\n"
    return [sys.executable, "-W", "error", "-c", start + code]


def run(code: str, config: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(code, config), capture_output=True, text=True, timeout=PATIENCE, check=False
    )


@pytest.mark.parametrize("name", ["memory", "embedded"])
@pytest.mark.parametrize("end", ["", "sys.exit(0)", "unit.__enter__()", "next(ps.kv('k').scan())"])
def test_an_interpreter_ends_though_nobody_closed(
    name: str, end: str, request: pytest.FixtureRequest
) -> None:
    config = MEMORY if name == "memory" else request.getfixturevalue("embedded")
    done = run(
        "import sys\n"
        "ps = polystore.sync.open(CONFIG).start()\n"
        "ps.kv('cache').put('a', 1)\n"
        "unit = ps.unit_of_work('papers')\n" + end.replace("'k'", "'cache'"),
        config,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_interpreter_ends_while_a_thread_is_in_a_call() -> None:
    done = run(
        "import asyncio, threading\n"
        "ps = polystore.sync.open(CONFIG).start()\n"
        "begun = threading.Event()\n"
        "async def endless():\n"
        "    begun.set()\n"
        "    await asyncio.Event().wait()\n"
        "threading.Thread(target=ps.portal.call, args=(endless,), daemon=True).start()\n"
        "begun.wait()\n"
        "print('end')\n",
        MEMORY,
    )
    assert (done.returncode, done.stdout) == (0, "end\n")


def test_an_error_in_a_script_is_shown_and_ends_it() -> None:
    done = run(
        "with polystore.sync.open(CONFIG) as ps:\n    ps.doc('papers').compare_and_set('p', {}, 3)",
        MEMORY,
    )
    assert done.returncode == 1
    assert "polystore.errors.Conflict" in done.stderr


@pytest.mark.parametrize("name", ["memory", "embedded"])
def test_a_forked_process_is_told_and_the_parent_goes_on(
    name: str, request: pytest.FixtureRequest
) -> None:
    config = MEMORY if name == "memory" else request.getfixturevalue("embedded")
    done = run(
        "import gc, os, sys\n"
        "from polystore.errors import WrongLoop\n"
        "early = polystore.sync.open(CONFIG)\n"
        "with polystore.sync.open(CONFIG) as ps:\n"
        "    ps.kv('cache').put('a', 1)\n"
        "    rows = ps.kv('cache').scan()\n"
        "    next(rows)\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        for call in (lambda: ps.kv('cache'), lambda: ps.portal.run(int)):\n"
        "            try:\n"
        "                call()\n"
        "            except WrongLoop as error:\n"
        "                print(error, flush=True)\n"
        "        del rows\n"
        "        gc.collect()\n"
        "        ps.close()\n"
        "        with early:\n"
        "            print(early.kv('cache').count() >= 0, flush=True)\n"
        "        sys.exit(0)\n"
        "    assert os.waitpid(child, 0)[1] == 0, 'the child failed'\n"
        "    print(ps.kv('cache').get('a'))\n",
        config,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    assert "another process" in lines[0]
    assert "after the fork" in lines[1]
    assert lines[2:] == ["True", "1"]


def test_control_c_ends_a_script_in_the_middle_of_a_call() -> None:
    code = (
        "import asyncio\n"
        "async def endless():\n"
        "    print('begun', flush=True)\n"
        "    try:\n"
        "        await asyncio.Event().wait()\n"
        "    finally:\n"
        "        print('cancelled', flush=True)\n"
        "with polystore.sync.open(CONFIG) as ps:\n"
        "    ps.portal.call(endless)\n"
    )
    with subprocess.Popen(
        command(code, MEMORY), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert out == "cancelled\n"
    assert err.splitlines()[-1] == "KeyboardInterrupt"
