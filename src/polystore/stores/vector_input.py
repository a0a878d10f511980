"""Vectors as they come in: checked before any I/O, and turned into float32 matrices."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from polystore.errors import InvalidRecord
from polystore.stores.columns import json_object
from polystore.stores.ordering import value_at
from polystore.types.batches import Decoded, VectorBatch
from polystore.types.json_domain import check_json, check_text, encode_json
from polystore.types.names import check_keys
from polystore.types.sortkey import MISSING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from polystore.filters import Path
    from polystore.specs import FieldType, Metric, VectorSpec
    from polystore.types.records import VectorRecord


def as_matrix(
    vectors: object, *, dimensions: int, metric: Metric, what: str
) -> NDArray[np.float32]:
    """Return `vectors` as a C-contiguous float32 matrix of shape (rows, dimensions).

    Raises:
        InvalidRecord: The shape is another, an element is NaN or infinite (also when a float64
            is too large for float32), or a vector has no direction under cosine.
    """
    dtype = getattr(vectors, "dtype", None)
    if isinstance(dtype, np.dtype) and cast("np.dtype[Any]", dtype).kind in "cSUMm":
        # numpy would drop imaginary parts, and read numbers out of text.
        raise InvalidRecord(f"{what} are of the dtype {dtype}", hint="Give real numbers")
    try:
        with np.errstate(over="ignore"):
            matrix = np.ascontiguousarray(vectors, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InvalidRecord(
            f"{what} are not a matrix of numbers: {error}",
            hint=f"Give vectors of {dimensions} numbers each",
        ) from error
    if matrix.shape == (0,):  # an empty list
        return matrix.reshape(0, dimensions)
    if matrix.ndim != 2 or matrix.shape[1] != dimensions:  # noqa: PLR2004
        raise InvalidRecord(
            f"{what} have the shape {matrix.shape}; the store has {dimensions} dimensions",
            hint="Was another embedding model used?",
        )
    finite = np.isfinite(matrix).all(axis=1)
    if not finite.all():
        raise InvalidRecord(
            f"{what}: row {int(np.argmin(finite))} has a NaN or an infinity",
            hint="Check what the embedding function returned",
        )
    if metric == "cosine":
        _check_directions(matrix, what)
    return matrix


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
    fields = spec.field_paths()
    encoded: list[bytes] = []
    for key, text, given_object in zip(keys, text_column, objects, strict=True):
        object_ = json_object(given_object, what="the metadata")
        if text is not None:
            _check_record_text(text, key)
        check_fields(object_, fields, key)
        encoded.append(encode_json(object_, what=f"the metadata of record {key!r}"))
    return VectorBatch(keys, matrix, text_column, Decoded(encoded), encoded)


def _check_record_text(text: object, key: str) -> None:
    if not isinstance(text, str):
        raise InvalidRecord(f"the text of record {key!r} is a {type(text).__name__}, not text")
    check_text(text, what=f"the text of record {key!r}")
