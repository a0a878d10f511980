"""The kit catches every broken backend, by the right contract; and passes the sound one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from broken import suites
from broken.fault import FAULTS

HERE = Path(__file__).parent
BY_ASSERTION = {"AssertionError", "Failed"}
"""`Failed` is what `pytest.fail` raises."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What each contract of each suite came to, from one run of them all."""
    folder = tmp_path_factory.mktemp("report")
    command = [sys.executable, "-m", "pytest", str(HERE / "suites.py"), "-q", "--tb=no", "-r", "N"]
    options = ["-p", "no:cacheprovider", "--polystore-report", str(folder)]
    run = subprocess.run(
        [*command, *options], capture_output=True, text=True, check=False, cwd=HERE.parents[1]
    )
    assert run.returncode == 1, run.stdout + run.stderr
    report = json.loads((folder / "suites.json").read_text("utf-8"))
    found: dict[str, dict[str, Any]] = {}
    for result in report["results"]:
        if result["runs"]:
            found.setdefault(result["suite"], {})[result["contract"]] = result
    return found


def test_there_are_many() -> None:
    assert len(FAULTS) >= 30


@pytest.mark.parametrize("name", FAULTS)
def test_caught(name: str, results: dict[str, dict[str, Any]]) -> None:
    result = results[f"Test_{name}"][FAULTS[name].contract]
    assert result["observed"] == "failed", "the kit did not notice"
    assert result["error"] in BY_ASSERTION, result


@pytest.mark.parametrize("kind", suites.SUITES)
def test_sound(kind: str, results: dict[str, dict[str, Any]]) -> None:
    found = results[f"Test_sound_{kind}"]
    assert {fault.contract for fault in FAULTS.values() if fault.suite == kind} == set(found)
    assert {contract: r for contract, r in found.items() if r["observed"] != "passed"} == {}
