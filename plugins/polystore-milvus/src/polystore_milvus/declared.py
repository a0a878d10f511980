"""Declared fields: each a column of its own, with an index.

A column holds what stands for the scalar at the field's path (`metadata.token`), or nothing where
there is none. Servers cannot add a column to a collection that is there: a field that is declared
later has none, and is filtered by the facts as any other.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import orjson

from polystore.stores.ordering import value_at
from polystore.types.sortkey import MISSING
from polystore_milvus.metadata import FILLER, token

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from polystore.filters import Path
    from polystore.specs import VectorSpec

    Declared = Mapping[Path, str]

BEGINNING: Final = "field_"
_MOST: Final = 40
"""A collection has at most 64 fields, some of them ours."""


def declared_columns(spec: VectorSpec) -> dict[Path, str]:
    """Return the columns that a new collection gets, by the path that each is for."""
    scalars = [path for path, type_ in spec.field_paths().items() if type_ != "array"]
    return {path: _name(path) for path in scalars[:_MOST]}


def present_columns(spec: VectorSpec, fields: Collection[str]) -> dict[Path, str]:
    """Return the columns that a collection with those `fields` has, by path."""
    named = {path: _name(path) for path in spec.field_paths()}
    return {path: name for path, name in named.items() if name in fields}


def column_value(path: Path, metadata: Mapping[str, Any]) -> str:
    """Return what a column holds of a record."""
    value = value_at(path, metadata, {})
    if value is MISSING or isinstance(value, dict | list):
        return FILLER
    return token(value)


def _name(path: Path) -> str:
    return BEGINNING + sha256(orjson.dumps(path.parts)).hexdigest()[:24]
