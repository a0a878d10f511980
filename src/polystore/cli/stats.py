"""`polystore stats`: how much the stores hold."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from polystore.cli import output
from polystore.cli.settings import ConfigOption, JsonOption, Settings, VerboseOption, settings_of

if TYPE_CHECKING:
    from polystore.types.reports import StoreSize


def stats(
    context: typer.Context,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
    workspace: Annotated[
        str | None, typer.Option("--workspace", "-w", help="Of this tenant; else the default one.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show how much each store holds.

    Rows and (estimated) bytes in one workspace, and the names of all workspaces with data.
    """
    settings = settings_of(context, config, verbose=verbose)
    name, sizes, workspaces = asyncio.run(_read(settings, workspace))
    if json:
        stores = output.plain_data(sizes)
        output.json({"workspace": name, "stores": stores, "workspaces": workspaces})
        return
    if name is None:
        output.line("No workspace: the configuration has no default. Name one with --workspace")
    else:
        output.line(f"workspace: {name}")
        rows = [_row(size) for size in sizes]
        output.table(["store", "kind", "backend", "rows", "size", "of these"], rows)
    output.line()
    output.line("workspaces with data: " + (", ".join(workspaces) or "none"))


def _row(size: StoreSize) -> list[str]:
    rows, amount = str(size.rows), output.size(size.bytes)
    return [size.store, size.kind, size.backend, rows, amount, output.details(size.detail)]


async def _read(
    settings: Settings, workspace: str | None
) -> tuple[str | None, list[StoreSize], list[str]]:
    async with settings.client() as client:
        name = workspace if workspace is not None else client.runtime.config.workspace
        sizes = [] if name is None else await client.workspace(name).sizes()
        missing = client.runtime.declared.keys() - {size.store for size in sizes}
        if missing and name is not None:
            names = ", ".join(sorted(missing))
            output.note(f"note: declared, but not there yet: {names}; see polystore plan")
        return name, sizes, await client.workspaces()
