"""`polystore stats`: how much the stores hold, and what is going on."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from polystore.cli import output
from polystore.cli.settings import ConfigOption, JsonOption, Settings, VerboseOption, settings_of
from polystore.errors import PolystoreError

if TYPE_CHECKING:
    from polystore.client import Polystore
    from polystore.types.reports import BackendUse, Degradation, StoreSize, Usage


@dataclass(frozen=True, slots=True)
class Stats:
    """What one look at the stores has found.

    Attributes:
        at: When, on the clock of `time.monotonic`.
        workspace: Whose rows are counted; None if no workspace is named and there is no default.
        sizes: Of the stores.
        workspaces: Those with data.
        usage: Calls, connections, and optional stores.
        missing: Stores that are declared and not there yet, or whose backend is out of reach.
    """

    at: float
    workspace: str | None
    sizes: list[StoreSize]
    workspaces: list[str]
    usage: Usage
    missing: list[str]


def stats(
    context: typer.Context,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
    workspace: Annotated[
        str | None, typer.Option("--workspace", "-w", help="Of this tenant; else the default one.")
    ] = None,
    json: JsonOption = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again and again, until interrupted.")
    ] = False,
    every: Annotated[
        float, typer.Option(min=0.05, help="Seconds between two looks of --watch.")
    ] = 2.0,
    times: Annotated[
        int | None,
        typer.Option(min=1, help="Looks of --watch. Default: without end.", show_default=False),
    ] = None,
) -> None:
    """Show how much each store holds.

    Rows and (estimated) bytes in one workspace, the names of all workspaces with data, and the
    connections. A store that is declared optional is shown as degraded while its backend is away.

    With --watch, rows also have how many came or went in a second, and a backend that does not
    answer is told and asked again; with --json, every look is a line.
    """
    settings = settings_of(context, config, verbose=verbose)
    if watch:
        asyncio.run(_watch(settings, workspace, every, times, json=json))
        return
    found = asyncio.run(_once(settings, workspace))
    if json:
        output.json(as_data(found))
        return
    if found.missing:
        names = ", ".join(found.missing)
        output.note(f"note: declared, but not there yet: {names}; see polystore plan")
    show(found)


async def _watch(
    settings: Settings, workspace: str | None, every: float, times: int | None, *, json: bool
) -> None:
    """Show what there is, again and again; trouble is shown as well, and no reason to end."""
    before: Stats | None = None
    looks = itertools.count() if times is None else range(times)
    async with settings.client() as client:
        with output.screen(active=not json) as begin:
            for number in looks:
                if number:
                    await asyncio.sleep(every)
                try:
                    found = await look(client, workspace)
                except PolystoreError as error:
                    begin()
                    output.error(error)
                    continue
                if json:
                    output.json_line(as_data(found))
                    continue
                begin()
                show(found, before)
                before = found


async def _once(settings: Settings, workspace: str | None) -> Stats:
    async with settings.client() as client:
        return await look(client, workspace)


async def look(client: Polystore, workspace: str | None) -> Stats:
    """Return what there is to show of the workspace named, else of the default one."""
    name = workspace if workspace is not None else client.runtime.config.workspace
    sizes = [] if name is None else await client.workspace(name).sizes(available=True)
    missing = client.runtime.declared.keys() - {size.store for size in sizes}
    usage = client.usage()
    away = {each.store for each in usage.optional if each.since is not None}
    return Stats(
        at=time.monotonic(),
        workspace=name,
        sizes=sizes,
        workspaces=await client.workspaces(available=True),
        usage=usage,
        missing=[] if name is None else sorted(missing - away),
    )


def as_data(found: Stats) -> dict[str, object]:
    """Return it as what JSON knows."""
    optional = [
        asdict(each) | {"since": None if each.since is None else each.since.isoformat()}
        for each in found.usage.optional
    ]
    return {
        "workspace": found.workspace,
        "stores": output.plain_data(found.sizes),
        "workspaces": found.workspaces,
        "backends": output.plain_data(found.usage.backends),
        "optional": optional,
    }


def show(found: Stats, before: Stats | None = None) -> None:
    """Print it, and what has changed since the look before."""
    if found.workspace is None:
        output.line("No workspace: the configuration has no default. Name one with --workspace")
    else:
        output.line(f"workspace: {found.workspace}")
        columns = ["store", "kind", "backend", "rows", "size", "of these"]
        rows = [_row(size) for size in found.sizes]
        if before is not None:
            columns.append("rows/s")
            rows = [[*row, rate] for row, rate in zip(rows, _rates(found, before), strict=True)]
        output.table(columns, rows)
    output.line()
    output.table(BACKEND_COLUMNS, [backend_row(use) for use in found.usage.backends])
    if found.usage.optional:
        output.line()
        output.table(OPTIONAL_COLUMNS, [optional_row(each) for each in found.usage.optional])
    output.line()
    output.line("workspaces with data: " + (", ".join(found.workspaces) or "none"))


def _rates(found: Stats, before: Stats) -> list[str]:
    """Return, for each store, how many rows came (or went) in a second."""
    known = {size.store: size.rows for size in before.sizes}
    seconds = max(found.at - before.at, 1e-3)
    return [
        f"{(size.rows - known.get(size.store, size.rows)) / seconds:+.1f}" for size in found.sizes
    ]


def _row(size: StoreSize) -> list[str]:
    rows, amount = str(size.rows), output.size(size.bytes)
    return [size.store, size.kind, size.backend, rows, amount, output.details(size.detail)]


BACKEND_COLUMNS = ["backend", "calls", "wait", "connections", "idle", "wait", "opened", "closed"]
OPTIONAL_COLUMNS = ["optional store", "backend", "state", "missed", "dropped", "because"]


def backend_row(use: BackendUse) -> list[str]:
    """Return what a table says of a backend; `-` is what its driver does not tell."""
    calls = [f"{use.in_flight}/{use.maximum}", str(use.waiting)]
    pool = use.pool
    if pool is None:
        return [use.backend, *calls, "-" if use.open else "out of reach", "-", "-", "-", "-"]
    maximum = "" if pool.maximum is None else f"/{pool.maximum}"
    told = ["-" if value is None else str(value) for value in (pool.created, pool.closed)]
    return [
        use.backend,
        *calls,
        f"{pool.in_use}{maximum}",
        str(pool.idle),
        str(pool.waiting),
        *told,
    ]


def optional_row(each: Degradation) -> list[str]:
    """Return what a table says of an optional store."""
    state = "ok" if each.since is None else "degraded"
    return [each.store, each.backend, state, str(each.missed), str(each.dropped), each.reason]
