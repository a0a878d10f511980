"""Vectors as they come in: checked before any I/O, and turned into float32 matrices."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from polystore.errors import InvalidRecord
from polystore.stores.columns import json_objects
from polystore.stores.ordering import value_at
from polystore.types.batches import Decoded, VectorBatch
from polystore.types.json_domain import check_json, check_text, encode_each
from polystore.types.names import check_keys
from polystore.types.sortkey import MISSING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from polystore.filters import Path
    from polystore.specs import FieldType, Metric, VectorSpec
    from polystore.types.records import VectorRecord


_SMALLEST, _LARGEST = 1e-30, 1e38
"""Sums of squares between these are far from where float32 ends, however they are rounded."""


def as_matrix(
    vectors: object, *, dimensions: int, metric: Metric, what: str
) -> NDArray[np.float32]:
    """Return `vectors` as a C-contiguous float32 matrix of shape (rows, dimensions).

    Raises:
        InvalidRecord: The shape is another, an element is NaN or infinite (also when a float64
            is too large for float32), or a vector has no direction under cosine.
    """
    dtype: Any = getattr(vectors, "dtype", None)
    if isinstance(dtype, np.dtype) and cast("np.dtype[Any]", dtype).kind in "cSUMm":
        # numpy would drop imaginary parts, and read numbers out of text.
        raise InvalidRecord(f"{what} are of the dtype {dtype}", hint="Give real numbers")
    matrix = _as_float32(vectors, cast("object", dtype), dimensions=dimensions, what=what)
    if matrix.shape == (0,):  # an empty list
        return matrix.reshape(0, dimensions)
    if matrix.ndim != 2 or matrix.shape[1] != dimensions:  # noqa: PLR2004
        raise InvalidRecord(
            f"{what} have the shape {matrix.shape}; the store has {dimensions} dimensions",
            hint="Was another embedding model used?",
        )
    if _is_ordinary(matrix):
        return matrix
    finite = np.isfinite(matrix).all(axis=1)
    if not finite.all():
        raise InvalidRecord(
            f"{what}: row {int(np.argmin(finite))} has a NaN or an infinity",
            hint="Check what the embedding function returned",
        )
    if metric == "cosine":
        _check_directions(matrix, what)
    return matrix


def _as_float32(
    vectors: object, dtype: object, *, dimensions: int, what: str
) -> NDArray[np.float32]:
    try:
        if dtype == np.float32:
            return np.ascontiguousarray(cast("NDArray[np.float32]", vectors))
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(vectors, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InvalidRecord(
            f"{what} are not a matrix of numbers: {error}",
            hint=f"Give vectors of {dimensions} numbers each",
        ) from error


def _is_ordinary(matrix: NDArray[np.float32]) -> bool:
    """Whether every row is finite and has a direction for sure, by one pass over it.

    A NaN or an infinity makes the sum of a row's squares one too.
    """
    if len(matrix) == 1:
        row = matrix[0]
        return bool(_SMALLEST < row.dot(row) < _LARGEST)
    squares = np.einsum("ij,ij->i", matrix, matrix)
    return bool(len(squares) and squares.min() > _SMALLEST and squares.max() < _LARGEST)


def _check_directions(matrix: NDArray[np.float32], what: str) -> None:
    # In float64, so that tiny vectors do not vanish; engines compute norms in float32, so what
    # would vanish there has no direction either.
    norms = np.einsum("ij,ij->i", matrix, matrix, dtype=np.float64)
    usable = (norms > np.finfo(np.float32).tiny) & (norms < np.finfo(np.float32).max)
    if not usable.all():
        raise InvalidRecord(
            f"{what}: row {int(np.argmin(usable))} is a zero vector (or its norm is not a float32),"
            " which has no direction under the cosine metric",
            hint="Leave it out, or use the metric l2 or ip",
        )


_TYPES: dict[FieldType, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
}


_PLAIN: dict[FieldType, type] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "array": list,
    "datetime": str,
}


def check_fields(metadata: Mapping[str, Any], fields: Mapping[Path, FieldType], id_: str) -> None:
    """Raise InvalidRecord where a declared field has a value of another type; null is allowed."""
    for path, declared in fields.items():
        value = value_at(path, metadata, {})
        if value is MISSING or value is None or _has_type(value, declared):
            continue
        # What is stored of it counts: an enum's value, the text of a UUID.
        what = f"metadata field {path} of record {id_!r}"
        if _has_type(check_json(value, what=what), declared):
            continue
        raise InvalidRecord(
            f"{what} is declared {declared}, but is a {type(value).__name__}",
            hint="Store the declared type, or change `fields` and run `polystore plan`",
        )


def check_columns(
    rows: Sequence[Mapping[str, Any]], fields: Mapping[Path, FieldType], ids: Sequence[str]
) -> None:
    """Check the declared fields of many rows, as `check_fields` does."""
    if not fields:
        return
    plain = [(path.parts[0], _PLAIN[declared]) for path, declared in fields.items()]
    nested = any(len(path.parts) > 1 for path in fields)
    for row, id_ in zip(rows, ids, strict=True):
        for name, type_ in plain:
            # A look that most rows pass; what does not pass it is looked at closely.
            if nested or type(row.get(name)) is not type_:
                check_fields(row, fields, id_)
                break


def _has_type(value: Any, declared: FieldType) -> bool:
    if declared == "datetime":
        return isinstance(value, datetime | str)
    if isinstance(value, bool):
        return declared == "boolean"
    return isinstance(value, _TYPES[declared])


def stack(records: Sequence[VectorRecord], dimensions: int) -> list[Any]:
    """Return the vectors of `records`, each of which must have `dimensions` elements.

    Raises:
        InvalidRecord: One has none, or another number; the message names the record.
    """
    for record in records:
        size = _shape(record.vector)
        if size != (dimensions,):
            raise InvalidRecord(
                f"the vector of record {record.id!r} has the shape {size}; "
                f"the store has {dimensions} dimensions",
                hint="Was another embedding model used?",
            )
    return [record.vector for record in records]


def _shape(vector: Any) -> tuple[int, ...] | str:
    try:
        return np.shape(vector)
    except ValueError:
        return "of lists of differing lengths"


def build_batch(
    spec: VectorSpec,
    ids: Sequence[str],
    vectors: object,
    texts: Sequence[str | None] | None,
    metadata: Sequence[Mapping[str, Any]] | None,
) -> VectorBatch:
    """Return columns as one validated batch, duplicates still in it.

    Raises:
        InvalidRecord: Something lies outside what can be stored, or the columns differ in length.
    """
    keys = check_keys(ids, what="the id")
    rows = len(keys)
    matrix = as_matrix(vectors, dimensions=spec.dimensions, metric=spec.metric, what="the vectors")
    if isinstance(texts, str):
        raise InvalidRecord("expected a text per row, got one", hint="Use [text]")
    text_column: list[str | None] = [None] * rows if texts is None else list(texts)
    empty: list[Mapping[str, Any]] = [{}]
    given = empty * rows if metadata is None else metadata
    objects = list(given)
    if not rows == len(matrix) == len(text_column) == len(objects):
        raise InvalidRecord(
            f"the columns differ in length: {rows} ids, {len(matrix)} vectors, "
            f"{len(text_column)} texts, {len(objects)} metadata objects"
        )
    for key, text in zip(keys, text_column, strict=True):
        if text is not None:
            _check_record_text(text, key)
    checked = list(json_objects(objects, lambda _: "the metadata"))
    check_columns(checked, spec.field_paths(), keys)
    encoded = encode_each(checked, lambda row: f"the metadata of record {keys[row]!r}")
    return VectorBatch(keys, matrix, text_column, Decoded(encoded), encoded)


def _check_record_text(text: object, key: str) -> None:
    if not isinstance(text, str):
        raise InvalidRecord(f"the text of record {key!r} is a {type(text).__name__}, not text")
    check_text(text, what=f"the text of record {key!r}")
