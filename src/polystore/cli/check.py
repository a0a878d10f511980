"""`polystore check`: what is wrong with the configuration, without connecting to anything."""

from __future__ import annotations

import typer

from polystore.cli import output
from polystore.cli.settings import ConfigOption, VerboseOption, settings_of


def check(
    context: typer.Context, config: ConfigOption = None, verbose: VerboseOption = False
) -> None:
    """Check the configuration, offline.

    Connects to nothing. Shows where each store goes, and whether its backend has what it needs:
    yes, refused (no server of that type has it) or depends on the server (`polystore doctor` asks);
    and what it lacks: a call for that raises UnsupportedError.

    Exit code: 0 if nothing is wrong, else 1.
    """
    settings = settings_of(context, config, verbose=verbose)
    from polystore.schema.offline import check as check_offline

    report = check_offline(settings.source())
    output.line(f"configuration: {report.source or 'none, the default is used'}")
    output.line()
    output.table(["backend", "use"], [[name, use] for name, use in report.backends.items()])
    if report.stores:
        output.line()
        rows = [
            [
                store.name,
                store.kind,
                store.backend or "?",
                report.backends.get(store.backend or "", "?"),
            ]
            for store in report.stores
        ]
        output.table(["store", "kind", "backend", "use"], rows)
    needs = [
        [store.name, need.feature, "require" if need.required else "declaration", need.verdict]
        for store in report.stores
        for need in store.requirements
    ]
    if needs:
        output.line()
        output.table(["store", "needs", "because of", "available"], needs)
    limited = [
        [store.name, ", ".join(store.lacks) or "nothing", ", ".join(store.emulates) or "nothing"]
        for store in report.stores
        if store.lacks or store.emulates
    ]
    if limited:
        output.line()
        output.table(["store", "its backend lacks", "filters by reading more"], limited)
    output.line()
    for problem in report.problems:
        output.note(f"error: {problem}")
    if report.problems:
        raise typer.Exit(1)
    output.line("Nothing is wrong")
