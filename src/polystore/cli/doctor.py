"""`polystore doctor`: what is wrong with servers, stores and the installation."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from polystore.cli import output
from polystore.cli.settings import ConfigOption, JsonOption, Settings, VerboseOption, settings_of
from polystore.errors import PolystoreError

if TYPE_CHECKING:
    from polystore.types.reports import Change, Finding, Severity

EXIT_CODES: dict[Severity, int] = {"ok": 0, "info": 0, "warning": 1, "error": 2}


def doctor(
    context: typer.Context,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
    json: JsonOption = False,
    fix: Annotated[
        bool,
        typer.Option("--fix", help="First mend what is safe: indexes that are invalid or missing."),
    ] = False,
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Read all rows of stores with `relations`, for orphans."),
    ] = False,
) -> None:
    """Say what is wrong with servers and stores.

    The worst comes first, and with it what to do. Works when servers are down. Changes nothing but
    what --fix mends; that makes nothing new and removes nothing.

    Exit code: 0 if all is well, 1 with warnings, 2 with errors.
    """
    settings = settings_of(context, config, verbose=verbose)
    mended, findings = asyncio.run(_findings(settings, fix=fix, deep=deep))
    if json:
        told = {"mended": output.plain_data(mended)} if fix else {}
        output.json({**told, "findings": output.plain_data(findings)})
    else:
        for change in mended:
            output.line(f"mended: {change.backend}: {change.summary}")
        _show(findings)
    raise typer.Exit(max((EXIT_CODES[finding.severity] for finding in findings), default=0))


async def _findings(
    settings: Settings, *, fix: bool, deep: bool
) -> tuple[list[Change], list[Finding]]:
    from polystore.types.reports import Finding

    mended: list[Change] = []
    try:
        async with settings.client(tolerant=True) as client:
            if fix:
                mended = await client.repair()
            return mended, await client.doctor(deep=deep)
    except PolystoreError as error:
        where = error.backend or "polystore"
        return mended, [
            Finding(where, "configuration", "error", problem, error.store, action=error.hint)
            for problem in error.message.splitlines()
        ]


def _show(findings: list[Finding]) -> None:
    rows = [
        [
            finding.severity,
            finding.backend,
            finding.store or "",
            finding.check,
            finding.message,
        ]
        for finding in findings
    ]
    output.table(["severity", "backend", "store", "check", "finding"], rows)
    actions = dict.fromkeys(
        finding.action for finding in findings if finding.action and finding.severity != "ok"
    )
    if actions:
        output.line()
        output.line("What to do:")
        for action in actions:
            output.line(f"- {action}")
