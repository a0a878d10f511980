"""Requests and answers as they go over the wire, in columns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from polystore_milvus.protocol import common_pb2, milvus_pb2, schema_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from polystore_milvus.connection import Freshness

    Matrix = NDArray[np.float32]

NOWHERE: Final = np.zeros((1, 2), np.float32)
"""The vector of rows that need none: every collection has vectors."""
_PACKED: Final = b"\x0a"
"""Before the length of a packed repeated field number 1."""
_FLOATS: Final = "<f4"


def add_texts(request: Any, name: str, values: Sequence[str]) -> None:
    """Add a column of texts."""
    column = request.fields_data.add(type=schema_pb2.VarChar, field_name=name)
    column.scalars.string_data.data.extend(values)


def add_numbers(request: Any, name: str, values: Sequence[int]) -> None:
    """Add a column of whole numbers."""
    column = request.fields_data.add(type=schema_pb2.Int64, field_name=name)
    column.scalars.long_data.data.extend(values)


def add_json(request: Any, name: str, values: Sequence[bytes]) -> None:
    """Add a column of JSON texts."""
    column = request.fields_data.add(type=schema_pb2.JSON, field_name=name)
    column.scalars.json_data.data.extend(values)


def add_vectors(request: Any, name: str, matrix: Matrix) -> None:
    """Add a column of vectors; copied as a block, not number by number."""
    column = request.fields_data.add(type=schema_pb2.FloatVector, field_name=name)
    column.vectors.dim = matrix.shape[1]
    raw = matrix.astype(_FLOATS, copy=False).tobytes()
    column.vectors.float_vector.ParseFromString(_PACKED + _varint(len(raw)) + raw)


def stacked(vectors: Sequence[Any]) -> Matrix:
    """Return vectors as a matrix."""
    return np.ascontiguousarray(vectors, np.float32)


def query(
    collection: str,
    condition: str,
    fields: Sequence[str],
    freshness: Freshness,
    *,
    limit: int | None = None,
    ordered: bool = False,
) -> milvus_pb2.QueryRequest:
    """Return a request for the rows that match.

    Args:
        collection: Its name.
        condition: An expression.
        fields: What to return of each row.
        freshness: How fresh.
        limit: At most this many rows.
        ordered: Those with the least keys, by key.
    """
    request = milvus_pb2.QueryRequest(
        collection_name=collection,
        expr=condition,
        output_fields=fields,
        guarantee_timestamp=freshness.timestamp,
        consistency_level=freshness.level,
        use_default_consistency=False,
    )
    if limit is not None:
        _add(request.query_params, {"limit": limit})
    if ordered:
        # Stopping "for the best" ends where the first of the segments has no more rows.
        _add(request.query_params, {"iterator": "True", "reduce_stop_for_best": "False"})
    return request


def search(
    collection: str,
    condition: str,
    fields: Sequence[str],
    freshness: Freshness,
    vectors: Matrix,
    *,
    k: int,
    metric: str,
    params: Mapping[str, Any],
) -> milvus_pb2.SearchRequest:
    """Return a request for the `k` rows nearest to each of `vectors` that match."""
    group = common_pb2.PlaceholderGroup()
    raw = [vector.tobytes() for vector in vectors.astype(_FLOATS, copy=False)]
    group.placeholders.add(tag="$0", type=common_pb2.FloatVector, values=raw)
    request = milvus_pb2.SearchRequest(
        collection_name=collection,
        dsl=condition,
        dsl_type=common_pb2.BoolExprV1,
        placeholder_group=group.SerializeToString(),
        output_fields=fields,
        guarantee_timestamp=freshness.timestamp,
        consistency_level=freshness.level,
        use_default_consistency=False,
        nq=len(vectors),
    )
    settings = {
        "anns_field": "vector",
        "topk": k,
        "metric_type": metric,
        "params": json.dumps(params),
        "round_decimal": -1,
        "ignore_growing": "False",
    }
    _add(request.search_params, settings)
    return request


def columns_of(fields: Sequence[Any]) -> dict[str, Any]:
    """Return the columns of an answer by name; vectors as a matrix."""
    return {field.field_name: _column(field) for field in fields}


def _column(field: Any) -> Any:
    if field.type == schema_pb2.FloatVector:
        floats = field.vectors.float_vector
        raw = floats.SerializeToString()
        start = len(raw) - 4 * len(floats.data)
        return np.frombuffer(raw, _FLOATS, offset=start).reshape(-1, field.vectors.dim)
    if field.type == schema_pb2.Int64:
        return field.scalars.long_data.data
    return field.scalars.string_data.data


def _add(target: Any, values: Mapping[str, object]) -> None:
    target.extend(
        common_pb2.KeyValuePair(key=key, value=str(value)) for key, value in values.items()
    )


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:  # noqa: PLR2004 - seven bits to a byte
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)
