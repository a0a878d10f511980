"""The dashboard in docs/ asks for metrics and labels that are emitted, and for all of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).with_name("telemetry_program.py")
NAME = re.compile(r"\bpolystore_[a-z_]+\b")
UNITS = {"s": "_seconds"}


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    return json.loads((ROOT / "docs" / "grafana.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def emitted() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(PROGRAM)], capture_output=True, text=True, check=True, timeout=120
    )
    return json.loads(done.stdout)


def expressions(dashboard: dict[str, Any]) -> list[str]:
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    variables = dashboard["templating"]["list"]
    return asked + [v["query"]["query"] for v in variables if v["type"] == "query"]


def prometheus_names(point: dict[str, Any]) -> set[str]:
    """What OpenTelemetry's rules for Prometheus make of a metric's name."""
    name = point["metric"].replace(".", "_") + UNITS.get(point["unit"], "")
    if point["kind"] == "histogram":
        return {f"{name}_bucket", f"{name}_count", f"{name}_sum"}
    return {f"{name}_total" if point["kind"] == "counter" else name}


def test_what_it_asks_for_is_emitted(dashboard: dict[str, Any], emitted: dict[str, Any]) -> None:
    points = emitted["points"]
    names = {name for point in points for name in prometheus_names(point)}
    labels = {label.replace(".", "_") for point in points for label in point["attributes"]}
    asked = {name for text in expressions(dashboard) for name in NAME.findall(text)}
    assert asked - names - labels == set()


def test_every_metric_is_on_it(dashboard: dict[str, Any], emitted: dict[str, Any]) -> None:
    asked = {name for text in expressions(dashboard) for name in NAME.findall(text)}
    unseen = {point["metric"] for point in emitted["points"] if not prometheus_names(point) & asked}
    assert unseen == set()


def test_labels_are_those_of_their_metric(
    dashboard: dict[str, Any], emitted: dict[str, Any]
) -> None:
    labels: dict[str, set[str]] = {}
    for point in emitted["points"]:
        for name in prometheus_names(point):
            labels.setdefault(name, set()).update(
                label.replace(".", "_") for label in point["attributes"]
            )
    for text in expressions(dashboard):
        found = set(NAME.findall(text))
        (metric,) = found & labels.keys()
        assert found - {metric} <= labels[metric], text


def test_panels_have_places_of_their_own(dashboard: dict[str, Any]) -> None:
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    cells = [
        (column, row)
        for panel in dashboard["panels"]
        for column in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for row in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(column for column, _ in cells) < 24
