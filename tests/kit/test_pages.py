"""The committed reports are of the kit as it is, and the pages made from them say what they say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from polystore.testing import BackendSuite, DocSuite, GraphSuite, KVSuite, VectorSuite
from polystore.testing.contracts import contract_of, required_tests

ROOT = Path(__file__).resolve().parents[2]
REPORTS = sorted((ROOT / "docs" / "conformance").glob("*.json"))
SUITES = {"kv": KVSuite, "vector": VectorSuite, "graph": GraphSuite, "doc": DocSuite}


def test_the_pages_are_current() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "conformance.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_a_report_has_every_contract(path: Path) -> None:
    report = json.loads(path.read_text("utf-8"))
    told = {result["contract"] for result in report["results"]}
    suites = [BackendSuite, *(SUITES[kind] for kind in report["kinds"])]
    wanted = {contract_of(suite, test) for suite in suites for test in required_tests(suite)}
    assert told == wanted, "the kit has changed since: run `make conformance`"
