"""`polystore migrate-from`: what a plugin can read, into the configuration's stores."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polystore.cli import output
from polystore.cli.settings import ConfigOption, JsonOption, Settings, VerboseOption, settings_of
from polystore.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore.migration.migrate import PartReport
    from polystore.sources import Source, SourceInfo, SourcePart
    from polystore.specs import StoreSpec

DIFFERENT = 1
_FROM_ENVIRONMENT = "env:"
_STEP = 0.1
"""Told again after so much of a part."""


def migrate_from(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The plugin that reads it.")],
    location: Annotated[
        str,
        typer.Argument(
            metavar="LOCATION", help="Where it is; env:NAME takes it from the environment."
        ),
    ],
    config: ConfigOption = None,
    verbose: VerboseOption = False,
    json: JsonOption = False,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", metavar="NAME=VALUE", help="What the source is told."),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Notes how far it is; else ./polystore-migration.json."),
    ] = None,
    merge: Annotated[
        bool, typer.Option("--merge", help="The stores may have rows already.")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew although a run was interrupted.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what there is; open no store.")
    ] = False,
) -> None:
    """Copy a foreign deployment into the stores, and compare.

    The source is only read. An interrupted run goes on where it was when the same command is given
    again. At the end all rows are read on both sides, and counts and checksums compared.

    Exit code: 0 if both sides are equal, else 1.
    """
    settings = settings_of(context, config, verbose=verbose)
    file = state or Path("polystore-migration.json")
    if restart:
        file.unlink(missing_ok=True)
    info = _info(name)
    source = _source(info, _located(location), _options(option or [], info.options))
    if dry_run:
        _show_parts(asyncio.run(_parts(source)), json=json)
        return
    reports = asyncio.run(_run(settings, source, file, merge=merge))
    if json:
        output.json({"parts": output.plain_data(reports)})
    else:
        _show(reports)
    if not all(report.equal for report in reports):
        output.note(f"error: not all rows arrived; {file} is kept, so that a next run goes on")
        raise typer.Exit(DIFFERENT)


async def _run(settings: Settings, source: Source, file: Path, *, merge: bool) -> list[PartReport]:
    from polystore.client import open as open_client
    from polystore.config import load_config
    from polystore.declaring import declare
    from polystore.migration.migrate import Migration
    from polystore.plugins.registry import Registry

    async with source:
        wanted = {part.store for part in source.parts()}
        chosen = settings.source()
        declared = declare(load_config(chosen, declared=wanted), Registry(), ())
        specs: list[StoreSpec] = []
        if not wanted <= declared.keys():
            specs = [spec for spec in source.specs() if spec.name not in declared]
        async with open_client(chosen, stores=specs) as client:
            return await Migration(source, client, file, merge=merge, progress=_Progress()).run()


async def _parts(source: Source) -> Sequence[SourcePart]:
    async with source:
        return source.parts()


class _Progress:
    """Tells how far a part is, on stderr, now and then."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def __call__(self, part: SourcePart, done: int) -> None:
        share = done / max(part.rows, 1)
        if share >= 1 or share >= self._told.get(part.name, 0) + _STEP:
            self._told[part.name] = share
            output.note(f"{part.name}: {done:,} of {part.rows:,}")


def _info(name: str) -> SourceInfo:
    from polystore.plugins.registry import Registry

    return Registry().source(name)


def _source(info: SourceInfo, location: str, options: Mapping[str, str]) -> Source:
    import importlib

    module, _, attribute = info.source.partition(":")
    return getattr(importlib.import_module(module), attribute)(location, options)


def _located(location: str) -> str:
    if not location.startswith(_FROM_ENVIRONMENT):
        return location
    variable = location.removeprefix(_FROM_ENVIRONMENT)
    value = os.environ.get(variable)
    if not value:
        raise ConfigError(f"the environment has no {variable}", hint=f"Set {variable}")
    return value


def _options(given: Sequence[str], known: Mapping[str, str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or name not in known:
            told = "; ".join(f"{name}: {use}" for name, use in known.items()) or "none"
            raise ConfigError(f"{name!r} is no option of this source", hint=f"There are: {told}")
        options[name] = value
    return options


def _show_parts(parts: Sequence[SourcePart], *, json: bool) -> None:
    if json:
        output.json({"parts": output.plain_data(parts)})
        return
    rows = [[part.name, part.store, part.workspace or "", f"{part.rows:,}"] for part in parts]
    output.table(["part", "store", "workspace", "rows"], rows)


def _show(reports: Sequence[PartReport]) -> None:
    rows = [
        [
            report.name,
            report.store,
            report.workspace,
            f"{report.rows:,}",
            f"{report.found:,}",
            report.source_checksum[:12],
            "ok" if report.equal else "error",
        ]
        for report in reports
    ]
    output.table(["part", "store", "workspace", "rows", "arrived", "checksum", ""], rows)
    for report in reports:
        if report.different:
            output.line(f"{report.name}: missing or different: {', '.join(report.different)}")
