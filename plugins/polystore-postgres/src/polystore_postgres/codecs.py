"""Binary forms of values that the driver does not know, or not well: jsonb, pgvector's types.

JSON is encoded and checked by the core before it gets here, so the encoder only adds the
version byte. A vector is 16 bits of dimensions, 16 unused, and big-endian floats.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from polystore.types.json_domain import decode_rewritten_json
from polystore_postgres.exact_json import SHORTENED, exact_json
from polystore_postgres.timestamps import decode_timestamp, encode_timestamp

if TYPE_CHECKING:
    import asyncpg

FloatArray = NDArray[np.float32]
_HEADER = struct.Struct(">HH")
_JSONB_VERSION = b"\x01"


def encode_jsonb(text: bytes) -> bytes:
    """Return the wire form of a JSON text."""
    # Looked for here: one call less for each value.
    return _JSONB_VERSION + (text if SHORTENED.search(text) is None else exact_json(text))


def decode_jsonb(data: bytes) -> Any:
    """Return the value of a jsonb on the wire."""
    return decode_rewritten_json(data[1:])


def encode_vector(vector: FloatArray | bytes) -> bytes:
    """Return the wire form of one vector; bytes are taken as one already."""
    if isinstance(vector, bytes):
        return vector
    return _HEADER.pack(vector.shape[0], 0) + vector.astype(">f4").tobytes()


def decode_vector(data: bytes) -> FloatArray:
    """Return the float32 array of a vector on the wire."""
    return np.frombuffer(data, dtype=">f4", offset=_HEADER.size).astype(np.float32)


def encode_halfvec(vector: FloatArray | bytes) -> bytes:
    """Return the wire form of one vector in half precision; bytes are taken as one already."""
    if isinstance(vector, bytes):
        return vector
    return _HEADER.pack(vector.shape[0], 0) + vector.astype(">f2").tobytes()


def decode_halfvec(data: bytes) -> FloatArray:
    """Return the float32 array of a half-precision vector on the wire."""
    return np.frombuffer(data, dtype=">f2", offset=_HEADER.size).astype(np.float32)


def encode_matrix(matrix: FloatArray, *, half: bool = False) -> list[bytes]:
    """Return the wire form of every row, for a parameter such as `$1::vector[]`.

    An array parameter needs this form: the driver would take an array of arrays for a
    two-dimensional one. The whole matrix is converted at once and then cut, which is several
    times quicker than row by row.
    """
    dimensions = matrix.shape[1]
    width = (2 if half else 4) * dimensions
    header = _HEADER.pack(dimensions, 0)
    floats = memoryview(matrix.astype(">f2" if half else ">f4").tobytes())
    return [header + floats[start : start + width] for start in range(0, len(floats), width)]


async def register(connection: asyncpg.Connection[Any], vector_schema: str | None) -> None:
    """Teach `connection` these forms.

    Args:
        connection: A new connection.
        vector_schema: Where the extension `vector` lives; None where it is not installed.
    """
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=encode_jsonb,
        decoder=decode_jsonb,
        format="binary",
    )
    await connection.set_type_codec(
        "timestamptz",
        schema="pg_catalog",
        encoder=encode_timestamp,
        decoder=decode_timestamp,
        format="binary",
    )
    if vector_schema is None:
        return
    forms = {"vector": (encode_vector, decode_vector), "halfvec": (encode_halfvec, decode_halfvec)}
    for name, (encoder, decoder) in forms.items():
        await connection.set_type_codec(
            name, schema=vector_schema, encoder=encoder, decoder=decoder, format="binary"
        )
