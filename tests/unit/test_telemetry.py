"""What leaves the process by way of spans, metrics and logs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from polystore.telemetry import Telemetry

PROGRAM = Path(__file__).with_name("telemetry_program.py")
SECRET = "hunter2-SECRET"


@pytest.fixture(scope="module")
def run() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PROGRAM)], capture_output=True, text=True, check=True, timeout=120
    )


@pytest.fixture(scope="module")
def emitted(run: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return json.loads(run.stdout)


def spans_of(emitted: dict[str, Any], operation: str) -> list[dict[str, Any]]:
    return [
        span for span in emitted["spans"] if span["attributes"]["polystore.operation"] == operation
    ]


def test_a_write_reports_rows_bytes_and_place(emitted: dict[str, Any]) -> None:
    spans = spans_of(emitted, "put_many")
    (span,) = (span for span in spans if span["attributes"]["polystore.store"] == "cache")
    assert span["name"] == "polystore put_many cache"
    attributes = span["attributes"]
    assert attributes["polystore.backend"] == "main"
    assert attributes["polystore.workspace"] == "acme"
    assert attributes["polystore.rows"] == 5
    assert attributes["polystore.bytes"] == 5 * len(json.dumps({"password": SECRET})) - 5
    assert attributes["polystore.retries"] == 0


def test_reads_say_how_many_callers_they_serve(emitted: dict[str, Any]) -> None:
    served = [span["attributes"]["polystore.coalesced"] for span in spans_of(emitted, "get")]
    assert sum(served) == 5


def test_a_failure_is_marked_by_its_class_alone(emitted: dict[str, Any]) -> None:
    failed = [span for span in emitted["spans"] if span["status"] == "ERROR"]
    assert failed
    assert {span["description"] for span in failed} == {"Conflict"}
    assert all(span["events"] == [] for span in failed)


def test_metrics_never_have_the_workspace(emitted: dict[str, Any]) -> None:
    labels = {point["metric"]: set(point["attributes"]) for point in emitted["points"]}
    operation = {
        "polystore.backend",
        "polystore.store",
        "polystore.operation",
        "polystore.outcome",
    }
    assert labels == {
        "polystore.operation.duration": operation,
        "polystore.operation.rows": operation,
        "polystore.operation.retries": operation,
        "polystore.optional.rows": {"polystore.backend", "polystore.store", "polystore.effect"},
        **{
            f"polystore.pool.{name}": {"polystore.backend"}
            for name in ("in_use", "idle", "waiting", "created", "closed")
        },
    }


def test_no_user_data_leaves(run: subprocess.CompletedProcess[str]) -> None:
    assert SECRET not in run.stdout
    assert SECRET not in run.stderr


def test_without_a_provider_nothing_is_made() -> None:
    telemetry = Telemetry("main")
    first = telemetry.operation("s", "get", "w", rows=1, size=None, coalesced=1)
    second = telemetry.operation("s", "put", "w", rows=1, size=None, coalesced=1)
    assert first is second
