"""`polystore schema`: the JSON schema of configuration files, for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.cli import output
from polystore.errors import PolystoreError

if TYPE_CHECKING:
    from polystore.config import BackendConfig


def schema() -> None:
    """Print the JSON schema of configurations.

    It has what the installed plugins take. Keep it beside your file for an editor to read:
    polystore schema > polystore.schema.json

    A plugin that does not work is named on stderr and left out.
    """
    from polystore.config import config_json_schema
    from polystore.plugins.registry import Registry, installed_plugins

    registry = Registry()
    models: dict[str, type[BackendConfig]] = {}
    for name in installed_plugins():
        try:
            if registry.brings_backend(name):
                models[name] = registry.backend_info(name).config
        except PolystoreError as error:
            output.note(f"warning: left out: {error}")
    output.json(config_json_schema(models))
