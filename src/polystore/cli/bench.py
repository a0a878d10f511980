"""`polystore bench`: how quick one's own servers answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from polystore.capabilities import KINDS
from polystore.cli import output
from polystore.cli.settings import ConfigOption, JsonOption, VerboseOption, settings_of
from polystore.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from polystore.bench.timing import Timing
    from polystore.capabilities import Kind

_HEADINGS = ("backend", "store", "rows", "operation", "per second", "p50 ms", "p95 ms", "recall")


def bench(
    context: typer.Context,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
    rows: Annotated[
        list[int] | None,
        typer.Option(
            min=100,
            help="Records of each store; repeatable, to see how cost grows. Default: 10000.",
            show_default=False,
        ),
    ] = None,
    workspaces: Annotated[
        int, typer.Option(min=1, help="Tenants among which the records are spread.")
    ] = 1,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help="Only this kind: kv, vector, graph, doc; repeatable.", show_default=False
        ),
    ] = None,
    calls: Annotated[int, typer.Option(min=1, help="Point reads and searches of each.")] = 400,
    json: JsonOption = False,
) -> None:
    """Measure the backends of the configuration.

    Makes stores of its own (bench_...), fills them in workspaces of its own, and empties them in
    the end; what others store is neither read nor changed, but servers are busy meanwhile.
    """
    source = settings_of(context, config, verbose=verbose).source()
    timings = asyncio.run(
        _run(source, rows or [10_000], workspaces, _kinds(kind), calls, quiet=json)
    )
    if json:
        output.json(output.plain_data(timings))
        return
    output.table(_HEADINGS, [_row(timing) for timing in timings])


async def _run(
    source: Path | None,
    rows: list[int],
    workspaces: int,
    kinds: list[Kind],
    calls: int,
    *,
    quiet: bool,
) -> list[Timing]:
    from polystore.bench.run import bench as measure

    timings: list[Timing] = []
    async for timing in measure(source, rows=rows, workspaces=workspaces, kinds=kinds, calls=calls):
        timings.append(timing)
        if not quiet:
            output.note("  ".join(_row(timing)))
    return timings


def _kinds(named: list[str] | None) -> list[Kind]:
    unknown = set(named or ()) - set(KINDS)
    if unknown:
        raise ConfigError(
            f"no kind of store: {', '.join(sorted(unknown))}", hint=f"Kinds are {', '.join(KINDS)}"
        )
    return [kind for kind in KINDS if not named or kind in named]


def _row(timing: Timing) -> list[str]:
    return [
        timing.place.backend,
        timing.place.kind,
        f"{timing.place.rows:,}",
        timing.operation,
        f"{timing.per_second:,.0f} {timing.unit}",
        f"{timing.median_ms:.2f}",
        f"{timing.p95_ms:.2f}",
        "" if timing.recall is None else f"{timing.recall:.3f}",
    ]
