"""The report says what was declared and observed, and a run that proves nothing fails."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from polystore.testing import KVSuite, overrides
from polystore.testing.contracts import contract_of, promise_of, required_tests

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """
import pytest
from polystore.testing import BackendSuite, DocSuite, GraphSuite, KVSuite, VectorSuite, overrides

@pytest.fixture(scope="module")
def config():
    return {"backends": {"main": {"use": "memory", "shared": "reports"}}}
"""
FEW = "stored_null or put_then_get or value_limit"
PASSED, OVERRIDDEN = "passed", "overridden"


class Ran:
    """A run of a file of suites with a report."""

    def __init__(self, folder: Path, body: str, *options: str) -> None:
        (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n", "utf-8")
        (folder / "test_mine.py").write_text(HEAD + body, "utf-8")
        command = [sys.executable, "-m", "pytest", "-p", "polystore.testing.report", "-q"]
        report = ["--polystore-report", "out/put", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, *report, *options], cwd=folder, capture_output=True, text=True, check=False
        )
        self.code = done.returncode
        self.said = done.stdout + done.stderr
        self.folder = folder / "out" / "put"

    @property
    def report(self) -> dict[str, Any]:
        """The JSON report."""
        return json.loads((self.folder / "mine.json").read_text("utf-8"))

    def result(self, contract: str) -> dict[str, Any]:
        """What the report says of a contract."""
        (found,) = [r for r in self.report["results"] if r["contract"] == contract]
        return found

    def text(self, suffix: str) -> str:
        """The report in another form."""
        return (self.folder / f"mine.{suffix}").read_text("utf-8")


def test_a_green_run(tmp_path: Path) -> None:
    ran = Ran(tmp_path, "class TestKV(KVSuite): ...\n")
    assert ran.code == 0, ran.said
    report = ran.report
    assert report["ok"] is True
    assert report["backend"] == "memory"
    assert {r["observed"] for r in report["results"]} == {PASSED, "not applicable"}
    assert [r["contract"] for r in report["results"]] == [
        contract_of(KVSuite, test) for test in required_tests(KVSuite)
    ]
    expiry = ran.result("kv/expiry/test_expired_is_absent_everywhere")
    assert expiry["declared"] == {"ttl": True}
    assert expiry["promise"].startswith("An expired entry is not returned")
    limit = ran.result("kv/refusals/test_value_limit")
    assert limit["reasons"] == ["there is no such limit"]
    assert "| value_limit |" in ran.text("md")
    assert "there is no such limit" in ran.text("md")
    badge = ET.fromstring(ran.text("svg"))  # noqa: S314 - written by this very run
    assert f"{len(report['results'])} contracts" in "".join(badge.itertext())


def test_what_did_not_run_is_told(tmp_path: Path) -> None:
    ran = Ran(tmp_path, "class TestKV(KVSuite): ...\n", "-k", FEW)
    assert ran.code == 0, ran.said
    assert ran.report["summary"]["not run"] == len(required_tests(KVSuite)) - 3
    assert "incomplete" in ran.text("svg")


def test_an_override_is_told_with_its_reason(tmp_path: Path) -> None:
    body = """
class TestKV(KVSuite):
    @overrides("the engine has | no such thing")
    async def test_put_then_get(self) -> None:
        pass
"""
    ran = Ran(tmp_path, body, "-k", FEW)
    assert ran.code == 0, ran.said
    result = ran.result("kv/basics/test_put_then_get")
    assert (result["observed"], result["reasons"]) == (
        OVERRIDDEN,
        ["the engine has | no such thing"],
    )
    assert result["promise"] == promise_of(KVSuite, "test_put_then_get")
    assert "the engine has \\| no such thing" in ran.text("md")
    assert ran.report["summary"][OVERRIDDEN] == 1


def test_a_failure_is_told(tmp_path: Path) -> None:
    body = """
class TestKV(KVSuite):
    @overrides("breaks")
    async def test_put_then_get(self) -> None:
        assert 1 == 2, "because"
"""
    ran = Ran(tmp_path, body, "-k", FEW)
    assert ran.code == 1
    result = ran.result("kv/basics/test_put_then_get")
    assert (result["observed"], result["error"]) == ("failed", "AssertionError")
    assert "because" in result["reasons"][1]
    assert ran.report["ok"] is False
    assert "1 failed" in ran.text("svg")


@pytest.mark.parametrize("mark", ["skip", "xfail"])
def test_marks_do_not_hide_a_contract(tmp_path: Path, mark: str) -> None:
    ran = Ran(tmp_path, f"@pytest.mark.{mark}\nclass TestKV(KVSuite): ...\n", "-k", FEW)
    assert ran.code == 1, ran.said
    assert ran.report["summary"]["failed"] == 3


def test_a_suite_that_is_not_collected_fails(tmp_path: Path) -> None:
    body = "class TestKV(KVSuite): ...\n\nclass Docs(DocSuite): ...\n"
    ran = Ran(tmp_path, body, "-k", FEW)
    assert ran.code == 1
    assert ran.report["ok"] is False


def test_every_kind_needs_a_suite_that_is_collected(tmp_path: Path) -> None:
    kinds = "class {}(KVSuite): ...\nclass TestV(VectorSuite): ...\nclass TestG(GraphSuite): ...\n"
    rest = "class TestD(DocSuite): ...\nclass TestB(BackendSuite): ...\n"
    ran = Ran(tmp_path, kinds.format("Keys") + rest, "-k", "every_kind")
    assert ran.code == 1
    assert "the backend declares kv" in ran.said
    ran = Ran(tmp_path, kinds.format("TestKeys") + rest, "-k", "every_kind or put_then_get")
    assert ran.result("backend/declared/test_every_kind_has_its_suite")["observed"] == PASSED


@pytest.mark.parametrize("body", ["", "def test_of_mine(): ...\n", "class KV(KVSuite): ...\n"])
def test_no_test_of_the_kit_is_a_failure(tmp_path: Path, body: str) -> None:
    ran = Ran(tmp_path, body)
    assert ran.code != 0, ran.said
    assert "no test of the kit ran" in ran.said


def test_an_override_needs_a_reason() -> None:
    async def silent(_self: object) -> None: ...

    with pytest.raises(TypeError, match="test_put_then_get"):
        type("TestKV", (KVSuite,), {"test_put_then_get": silent})
    with pytest.raises(TypeError, match="test_put_then_get"):
        type("TestKV", (KVSuite,), {"test_put_then_get": None})
    type("Fine", (KVSuite,), {"test_put_then_get": overrides("a reason")(silent)})


@pytest.mark.parametrize("reason", ["", "  ", None, test_a_green_run])
def test_an_empty_reason_is_none(reason: Any) -> None:
    with pytest.raises(TypeError, match="say why"):
        overrides(reason)
