"""`polystore version`: what is installed."""

from __future__ import annotations

import platform

from polystore.cli import output


def version() -> None:
    """Show what is installed.

    Versions of polystore, its plugins (none is loaded) and Python.
    """
    from importlib.metadata import version as version_of

    from polystore.plugins.registry import plugin_distributions

    rows = [["polystore-core", version_of("polystore-core"), ""]]
    rows += [[name, number, ", ".join(uses)] for name, number, uses in plugin_distributions()]
    rows.append(["Python", platform.python_version(), ""])
    output.table(["package", "version", "use"], rows)
