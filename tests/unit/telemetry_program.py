"""Uses stores with OpenTelemetry set up and prints all that was emitted; run by test_telemetry.

A program of its own, because a process can set its providers once only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import polystore
from polystore.errors import ConnectionFailed
from polystore.types.call import Call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from opentelemetry.sdk.metrics.export import MetricsData

SECRET = "hunter2-SECRET"
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))


async def main(folder: str) -> MetricsData | None:
    """Write, read, merge, fail; do without a cache; have connections; try again."""
    config = {
        "workspace": "acme",
        "strict": False,
        "backends": {
            "main": {"use": "memory"},
            "pooled": {"use": "redis", "embedded": folder},
            "away": {"use": "redis", "url": f"redis://:{SECRET}@127.0.0.1:1"},
        },
        "defaults": {"kv": "main", "doc": "main", "graph": "main"},
        "stores": {
            "absent": {"kind": "kv", "backend": "away", "optional": True},
            "kept": {"kind": "kv", "backend": "pooled"},
        },
    }
    async with polystore.open(config) as ps:
        cache = ps.kv("cache")
        await cache.put_many({f"{SECRET}-{n}": {"password": SECRET} for n in range(5)})
        await asyncio.gather(*(cache.get(f"{SECRET}-{n}") for n in range(5)))
        await ps.kv("absent").put(SECRET, SECRET)
        assert await ps.kv("absent").get(SECRET) is None
        await ps.kv("kept").put(SECRET, SECRET)
        await ps.runtime.named("main").gate.run("cache", "once", Call("acme"), failing_once())
        with contextlib.suppress(polystore.errors.Conflict):
            await cache.compare_and_set(f"{SECRET}-1", SECRET, 1)
        await ps.doc("docs").find({"password": SECRET})
        with contextlib.suppress(polystore.errors.Conflict):
            await ps.graph("knows").upsert_edges(
                [polystore.Edge(SECRET, "t", SECRET)], missing_endpoints="refuse"
            )
        return reader.get_metrics_data()  # while the connections are there


def failing_once() -> Callable[[], Awaitable[None]]:
    """Return a hook whose connection is lost at first."""
    errors = [ConnectionFailed("gone")]

    async def hook() -> None:
        if errors:
            raise errors.pop()

    return hook


with tempfile.TemporaryDirectory() as folder:
    data = asyncio.run(main(folder))
spans = [
    {
        "name": span.name,
        "attributes": dict(span.attributes or {}),
        "status": span.status.status_code.name,
        "description": span.status.description,
        "events": [event.name for event in span.events],
    }
    for span in exporter.get_finished_spans()
]
exported: Any = json.loads(data.to_json()) if data else {"resource_metrics": []}


def kind(metric: dict[str, Any]) -> str:
    """Return what Prometheus would call it."""
    if "bucket_counts" in metric["data"]["data_points"][0]:
        return "histogram"
    return "counter" if metric["data"].get("is_monotonic") else "gauge"


points = [
    {
        "metric": metric["name"],
        "unit": metric["unit"],
        "kind": kind(metric),
        "attributes": point["attributes"],
    }
    for resource in exported["resource_metrics"]
    for scope in resource["scope_metrics"]
    for metric in scope["metrics"]
    for point in metric["data"]["data_points"]
]
sys.stdout.write(json.dumps({"spans": spans, "points": points}))
