"""The code in the documentation does what the pages say."""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import os
import shlex
import subprocess
import sys
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
import yaml

from docs.pages import PAGES, READMES, ROOT, Block, blocks, check_printed, page_id
from polystore.client import Polystore
from polystore.errors import Closed
from polystore.schema.offline import check

ENVIRON = {
    "POSTGRES_DSN": "postgresql://app@localhost/app",
    "POSTGRES_ADMIN_DSN": "postgresql://owner@localhost/app",
    "REDIS_URL": "redis://localhost:6379/0",
    "REDIS_PASSWORD": "secret",
    "NEO4J_URI": "bolt://localhost:7687",
    "MILVUS_URI": "http://localhost:19530",
    "MILVUS_TOKEN": "root:secret",
    "NEO4J_PASSWORD": "secret",
}
SCRIPTS = Path(sys.executable).parent
WITH_CODE = [page for page in PAGES if any(block.language == "python" for block in blocks(page))]


async def run_as_typed(block: Block, namespace: dict[str, Any]) -> str:
    """Carry out a block as `python -m asyncio` would; return what it prints."""
    # Empty lines before it, so that a traceback names the page's own lines.
    source = "\n" * (block.line - 1) + block.body
    code = compile(source, block.page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        result = FunctionType(code, namespace)()
        if inspect.isawaitable(result):
            await result
    return printed.getvalue()


def run_program(command: list[str]) -> str:
    environ = os.environ | ENVIRON | {"PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command} ended with {done.returncode}: {done.stderr}"
    return done.stdout


def run_console(block: Block) -> None:
    """Carry out the commands of a terminal session that are ours."""
    for part in ("\n" + block.body).split("\n$ ")[1:]:
        command, _, expected = part.partition("\n")
        words = shlex.split(command, comments=True)
        if words[0] == "polystore":
            printed = run_program([str(SCRIPTS / words[0]), *words[1:]])
            if expected.strip():
                check_printed(printed, expected, f"{block.where}: {command}")


def write(block: Block) -> None:
    file = Path(block.title)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(block.body, encoding="utf-8")


@pytest.mark.parametrize("page", WITH_CODE, ids=page_id)
async def test_the_code_of_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    try:
        for block in blocks(page):
            await try_block(block, namespace)
    finally:
        left_open = [name for name, value in namespace.items() if await was_open(value)]
    assert not left_open, "the page does not close what it opens"


async def try_block(block: Block, namespace: dict[str, Any]) -> None:
    if block.title and block.language != "py":
        write(block)
    if block.language == "console":
        run_console(block)
    if block.language != "python":
        return
    if block.title:
        printed = run_program([sys.executable, block.title])
    else:
        printed = await run_as_typed(block, namespace)
    if block.output is not None:
        check_printed(printed, block.output, block.where)


async def was_open(value: object) -> bool:
    """Close `value` if it is a client; return whether it still was open."""
    if not isinstance(value, Polystore):
        return False
    try:
        assert value.runtime
    except Closed:
        return False
    await value.close()
    return True


CONFIGURATIONS = [
    block
    for page in [*PAGES, *READMES]
    for block in blocks(page)
    if block.language == "yaml"
    and not block.title.startswith("wrong")
    and {"backends", "stores"} & dict(yaml.safe_load(block.body)).keys()
]


@pytest.mark.parametrize("block", CONFIGURATIONS, ids=lambda block: block.where)
def test_a_configuration_is_right(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    for name in ("ca.pem", "client.pem", "client.key", "key-password"):
        (tmp_path / name).touch()
    file = tmp_path / "polystore.yaml"
    file.write_text(block.body, encoding="utf-8")
    assert check(file).problems == []


QUOTATIONS = [block for page in PAGES for block in blocks(page) if block.language == "py"]


@pytest.mark.parametrize("block", QUOTATIONS, ids=lambda block: block.where)
def test_a_quotation_is_what_the_file_says(block: Block) -> None:
    file = "\n" + without_indent((ROOT / block.title).read_text(encoding="utf-8"))
    for part in without_indent(block.body).split("...\n"):
        assert f"\n{part}" in file, f"not in {block.title}:\n{part}"


def without_indent(text: str) -> str:
    return "".join(f"{line.strip()}\n" for line in text.splitlines())


def test_there_is_something_to_try() -> None:
    assert WITH_CODE
    assert CONFIGURATIONS
