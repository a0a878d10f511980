"""Uses stores with OpenTelemetry set up and prints all that was emitted; run by test_telemetry.

A program of its own, because a process can set its providers once only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import polystore

SECRET = "hunter2-SECRET"
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))


async def main() -> None:
    """Write, read, merge, fail."""
    config = {"workspace": "acme", "backends": {"main": {"use": "memory"}}}
    async with polystore.open(config) as ps:
        cache = ps.kv("cache")
        await cache.put_many({f"{SECRET}-{n}": {"password": SECRET} for n in range(5)})
        await asyncio.gather(*(cache.get(f"{SECRET}-{n}") for n in range(5)))
        with contextlib.suppress(polystore.errors.Conflict):
            await cache.compare_and_set(f"{SECRET}-1", SECRET, 1)
        await ps.doc("docs").find({"password": SECRET})
        with contextlib.suppress(polystore.errors.Conflict):
            await ps.graph("knows").upsert_edges(
                [polystore.Edge(SECRET, "t", SECRET)], missing_endpoints="refuse"
            )


asyncio.run(main())
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
data = reader.get_metrics_data()
exported: Any = json.loads(data.to_json()) if data else {"resource_metrics": []}
points = [
    {"metric": metric["name"], "attributes": point["attributes"]}
    for resource in exported["resource_metrics"]
    for scope in resource["scope_metrics"]
    for metric in scope["metrics"]
    for point in metric["data"]["data_points"]
]
sys.stdout.write(json.dumps({"spans": spans, "points": points}))
