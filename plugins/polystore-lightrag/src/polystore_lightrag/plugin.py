"""What this package tells polystore; imports neither LightRAG nor a driver."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from polystore.errors import ConfigError
from polystore.plugins.hookspecs import hookimpl
from polystore.sources import SourceInfo
from polystore_lightrag.stores import all_specs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore.specs import StoreSpec

_KNOWN = ("dimensions", "embedding_model")


@hookimpl
def polystore_store_sets(settings: Mapping[str, Any]) -> Mapping[str, Sequence[StoreSpec]]:
    """Return the stores of LightRAG.

    Args:
        settings: `dimensions` and `embedding_model`; else LightRAG's own variables
            `EMBEDDING_DIM` and `EMBEDDING_MODEL` say them.

    Raises:
        ConfigError: The number of dimensions is not given, or a setting is none that there is.
    """
    unknown = ", ".join(sorted(set(settings) - set(_KNOWN)))
    if unknown:
        raise ConfigError(
            f"include: lightrag does not know {unknown}", hint=f"It knows {', '.join(_KNOWN)}"
        )
    dimensions = _dimensions(settings.get("dimensions", os.environ.get("EMBEDDING_DIM")))
    model = settings.get("embedding_model", os.environ.get("EMBEDDING_MODEL"))
    return {"lightrag": all_specs(dimensions, None if model is None else str(model))}


@hookimpl
def polystore_sources() -> Mapping[str, SourceInfo]:
    """Return what `polystore migrate-from lightrag` reads."""
    return {
        "lightrag": SourceInfo(
            "polystore_lightrag.source:LightRAGSource",
            "the working folder of a LightRAG with its default storages, or the URL of a "
            "PostgreSQL database with LightRAG's tables",
            options={
                "embedding_model": "the model's name as LightRAG's embedding function has it, "
                "or `none`; needed unless the configuration declares the stores",
                "vectors": "PostgreSQL: the suffix of the vector tables, where there are several",
                "workspace": "only this workspace",
                "partial": "`yes` where some of LightRAG's data is kept elsewhere",
            },
        )
    }


def _dimensions(given: object) -> int:
    if isinstance(given, str) and given.isdecimal():
        given = int(given)
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        said = "is not given" if given is None else f"is {given!r}"
        raise ConfigError(
            f"include: lightrag needs the embedding's number of dimensions, which {said}",
            hint="Write include: [{lightrag: {dimensions: 1024, embedding_model: NAME}}], or set "
            "EMBEDDING_DIM",
        )
    return given
