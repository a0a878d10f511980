"""Commands that connect to nothing."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from distributions import WORKING, install
from jsonschema import Draft202012Validator

from polystore.config import load_config
from polystore.config.yaml_file import parse_yaml
from polystore.schema.offline import check

if TYPE_CHECKING:
    from pathlib import Path

    from distributions import Install

    from .conftest import Cli, Configure

__all__ = ["install"]


def uncommented(text: str, begin: str) -> str:
    """Return `text` with the lines after the comment `begin`, up to the next gap, made real."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(begin))
    for number in range(start, len(lines)):
        if not lines[number].strip(" #"):
            break
        lines[number] = re.sub(r"^( *)# ?", r"\1", lines[number], count=1)
    return "\n".join(lines) + "\n"


def underlined(schema: dict[str, Any], data: dict[str, Any]) -> list[str]:
    """Return what an editor that knows `schema` objects to."""
    errors: Any = Draft202012Validator(schema)
    return [error.message for error in errors.iter_errors(data)]


@pytest.fixture
def written(cli: Cli, folder: Path) -> str:
    done = cli("init")
    assert (done.code, done.err) == (0, "")
    return (folder / "polystore.yaml").read_text()


def test_what_init_writes_is_valid_and_embedded(cli: Cli, written: str) -> None:
    config = load_config("polystore.yaml")
    assert config.backends["main"].settings == {"embedded": True}
    assert check("polystore.yaml").problems == []
    assert cli("check").code == 0
    assert written.startswith("# yaml-language-server: $schema=polystore.schema.json\n")


def test_what_init_shows_is_valid_once_it_is_uncommented(
    written: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTGRES_DSN", "postgresql://u:p@127.0.0.1:1/db")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("NEO4J_URI", "neo4j://127.0.0.1:1")
    monkeypatch.setenv("NEO4J_PASSWORD", "secret")
    monkeypatch.setenv("MILVUS_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("MILVUS_TOKEN", "root:secret")
    (folder / "ca.pem").touch()
    text = written
    shown = ("memory", "milvus", "neo4j", "postgres", "redis")
    for begin in (*(f"  # {use}:" for use in shown), "# stores:", "# require:"):
        text = uncommented(text, begin)
    (folder / "full.yaml").write_text(text)
    report = check("full.yaml")
    assert report.problems == []
    assert report.backends == {"main": "postgres", **{use: use for use in shown}}
    assert {store.kind for store in report.stores} == {"kv", "vector", "graph", "doc"}
    assert {need.feature for store in report.stores for need in store.requirements} == {
        "ttl",
        "metric_cosine",
        "filter",
        "transaction",
    }
    for key in ("dsn:", "ssl:", "pool:", "pgbouncer:", "url:", "uri:"):
        assert key in text


def test_the_schema_accepts_what_init_writes(cli: Cli, written: str) -> None:
    schema = json.loads(cli("schema").out)
    text = uncommented(uncommented(written, "# stores:"), "  # postgres:")
    assert not underlined(schema, parse_yaml(written, "polystore.yaml").data)
    assert not underlined(schema, parse_yaml(text, "polystore.yaml").data)
    assert underlined(schema, {"backends": {"main": {"use": "postgres", "embeded": True}}})


def test_init_overwrites_only_when_told(cli: Cli, folder: Path) -> None:
    file = folder / "mine.yaml"
    file.write_text("precious")
    refused = cli("init", "mine.yaml")
    assert (refused.code, refused.out) == (1, "")
    assert "mine.yaml exists" in refused.err
    assert "--force" in refused.err
    assert file.read_text() == "precious"
    assert cli("init", "mine.yaml", "--force").code == 0
    assert check(file).problems == []


def test_init_into_nowhere(cli: Cli) -> None:
    done = cli("init", "no/such/folder.yaml")
    assert (done.code, done.out) == (1, "")
    assert "cannot be written: No such file or directory" in done.err


def test_init_and_schema_leave_a_broken_plugin_out(cli: Cli, install: Install) -> None:
    install("polystore-odd", plugins={"odd": "raise RuntimeError('no luck')"})
    install("polystore-new", plugins={"fresh": WORKING.format(name="fresh")})
    for command in ("init", "schema"):
        done = cli(command)
        assert done.code == 0
        assert done.err.startswith("warning: left out: the plugin 'odd' (polystore-odd) cannot")
    uses = json.loads(done.out)["properties"]["backends"]["additionalProperties"]["properties"]
    assert uses["use"]["enum"] == [
        "fresh",
        "memory",
        "milvus",
        "neo4j",
        "postgres",
        "redis",
        "sqlite",
    ]


def test_check_shows_where_stores_go_and_what_they_have(cli: Cli, configure: Configure) -> None:
    configure(
        "backends:\n"
        "  main: {use: memory}\n"
        "  far: {use: postgres, dsn: 'postgresql://u:p@127.0.0.1:1/db'}\n"
        "stores:\n"
        "  cache: {kind: kv, backend: main, ttl: 7d}\n"
        "  chunks: {kind: vector, backend: far, dimensions: 3}\n"
        "require: {chunks: [filter]}\n"
    )
    done = cli("check")
    assert (done.code, done.err) == (0, "")
    rows = [line.split() for line in done.lines]
    assert ["cache", "kv", "main", "memory"] in rows
    assert ["cache", "ttl", "declaration", "yes"] in rows
    assert ["chunks", "filter", "require", "depends", "on", "the", "server"] in rows
    assert done.lines[-1] == "Nothing is wrong"


def test_check_tells_every_problem(cli: Cli, configure: Configure) -> None:
    configure(
        "backends:\n"
        "  main: {use: memory, sharde: x}\n"
        "  odd: {use: memori}\n"
        "stores: {a: {kind: kv, backend: main}}\n"
        "require: {a: [durable]}\n"
    )
    done = cli("check")
    assert done.code == 1
    assert ["a", "durable", "require", "refused"] in [line.split() for line in done.lines]
    assert [line.split(":")[0] for line in done.err.splitlines()] == ["error"] * 3
    assert "polystore.yaml:2: backends.main.sharde" in done.err
    assert "polystore.yaml:3: backends.odd.use: no plugin called 'memori'" in done.err


def test_check_of_a_file_that_is_no_configuration(cli: Cli, configure: Configure) -> None:
    configure("backends: {main: {use: memory}}\nstoers: {}\nbackends: {}\n")
    done = cli("check")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: polystore.yaml:3")


@pytest.mark.parametrize("place", ["before", "after", "environment", "current folder"])
def test_the_file_can_be_named_in_four_ways(
    cli: Cli, folder: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = folder / ("polystore.yaml" if place == "current folder" else "other.yaml")
    named.write_text("backends: {chosen: {use: memory}}\n")
    if place == "environment":
        monkeypatch.setenv("POLYSTORE_CONFIG", str(named))
    if place != "current folder":
        (folder / "polystore.yaml").write_text("backends: {ignored: {use: memory}}\n")
    arguments = {
        "before": ["-c", str(named), "check"],
        "after": ["check", "--config", str(named)],
    }.get(place, ["check"])
    done = cli(*arguments)
    assert ["chosen", "memory"] in [line.split() for line in done.lines]
    assert "ignored" not in done.out


def test_without_a_file_the_default_is_told(cli: Cli, folder: Path) -> None:
    done = cli("check")
    assert done.code == 0
    assert done.lines[0] == "configuration: none, the default is used"
    assert "no backends are configured: using postgres" in done.err
    assert list(folder.iterdir()) == []


def test_version_names_the_plugins(cli: Cli) -> None:
    rows = [line.split() for line in cli("version").lines]
    assert [row[0] for row in rows] == [
        "package",
        "polystore-core",
        "polystore-lightrag",
        "polystore-memory",
        "polystore-milvus",
        "polystore-neo4j",
        "polystore-postgres",
        "polystore-redis",
        "polystore-sqlite",
        "Python",
    ]
    assert rows[3][2] == "memory"
