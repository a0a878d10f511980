"""Collections: their fields and indexes, made, checked, loaded."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from polystore.errors import (
    Conflict,
    ConnectionFailed,
    PolystoreError,
    SchemaMismatch,
    UnsupportedError,
)
from polystore.types.names import KEY_BYTES as ID_BYTES
from polystore.types.names import WORKSPACE_BYTES
from polystore_milvus import columns
from polystore_milvus.capabilities import TEXT_BYTES
from polystore_milvus.declared import BEGINNING, declared_columns, present_columns
from polystore_milvus.names import KEY_BYTES
from polystore_milvus.options import build_params, index_type, options_of
from polystore_milvus.protocol import common_pb2, milvus_pb2, schema_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from polystore.filters import Path
    from polystore.specs import Metric, VectorSpec
    from polystore_milvus.connection import Server

_METRICS: Final[dict[Metric, str]] = {"cosine": "COSINE", "ip": "IP", "l2": "L2"}
_POLL: Final = 0.1
_INVERTED_SINCE: Final = (2, 4)

_TEXTS: Final = {
    columns.KEY: KEY_BYTES,
    columns.WORKSPACE: WORKSPACE_BYTES,
    columns.ID: ID_BYTES,
    columns.TEXT: TEXT_BYTES,
    columns.METADATA: TEXT_BYTES,
}
"""Fields that hold text, with the bytes they take."""
_NUMBERS: Final = (columns.VERSION, columns.CREATED, columns.UPDATED)


@dataclass(frozen=True, slots=True)
class Index:
    """An index that is there.

    Attributes:
        state: A `common_pb2.IndexState`.
        type: HNSW and so on.
        metric: COSINE and so on; empty for a field that is no vector.
    """

    state: int
    type: str
    metric: str


def metric_name(metric: Metric) -> str:
    """Return what Milvus calls a metric."""
    return _METRICS[metric]


def store_fields(spec: VectorSpec) -> list[schema_pb2.FieldSchema]:
    """Return the fields of a store's new collection."""
    fields = [text_field(name, size) for name, size in _TEXTS.items()]
    fields[0].is_primary_key = True
    fields.append(vector_field(spec.dimensions))
    fields.append(schema_pb2.FieldSchema(name=columns.FACTS, data_type=schema_pb2.JSON))
    fields += [schema_pb2.FieldSchema(name=name, data_type=schema_pb2.Int64) for name in _NUMBERS]
    fields += [text_field(name, TEXT_BYTES) for name in declared_columns(spec).values()]
    return fields


def text_field(name: str, size: int) -> schema_pb2.FieldSchema:
    """Return a field for text of at most `size` bytes."""
    return schema_pb2.FieldSchema(
        name=name, data_type=schema_pb2.VarChar, type_params=pairs({"max_length": size})
    )


def vector_field(dimensions: int) -> schema_pb2.FieldSchema:
    """Return the field of the vectors."""
    return schema_pb2.FieldSchema(
        name=columns.VECTOR,
        data_type=schema_pb2.FloatVector,
        type_params=pairs({"dim": dimensions}),
    )


def pairs(values: Mapping[str, object]) -> list[common_pb2.KeyValuePair]:
    """Return what Milvus takes for a mapping."""
    return [common_pb2.KeyValuePair(key=key, value=str(value)) for key, value in values.items()]


def store_statements(name: str, spec: VectorSpec) -> tuple[str, ...]:
    """Return in words what `make_store` asks for."""
    fields = ", ".join(f"{field.name} {_shown(field)}" for field in store_fields(spec))
    params = json.dumps(build_params(spec))
    metric = metric_name(spec.metric)
    texts = (columns.WORKSPACE, *declared_columns(spec).values())
    return (
        f"CreateCollection {name} ({fields}), {options_of(spec).shards} shards",
        f"CreateIndex {name}.{columns.VECTOR} {index_type(spec)} {metric} {params}",
        *(f"CreateIndex {name}.{field}" for field in texts),
        f"LoadCollection {name}",
    )


async def make_store(server: Server, name: str, spec: VectorSpec) -> None:
    """Make a store's collection where it is not there, with its indexes, and load it.

    Raises:
        SchemaMismatch: There is another one of this name.
    """
    if not await server.has_collection(name):
        await create(server, name, store_fields(spec), shards=options_of(spec).shards)
    present = await check_store(server, name, spec)
    await index_vectors(
        server, name, index_type(spec), metric_name(spec.metric), build_params(spec)
    )
    for field in (columns.WORKSPACE, *present.values()):
        await _index_texts(server, name, field)
    await load(server, name, replicas=options_of(spec).replicas)


async def create(
    server: Server, name: str, fields: list[schema_pb2.FieldSchema], *, shards: int = 1
) -> None:
    """Make a collection; the same one twice is made once."""
    schema = schema_pb2.CollectionSchema(name=name, fields=fields)
    request = milvus_pb2.CreateCollectionRequest(
        collection_name=name,
        schema=schema.SerializeToString(),
        shards_num=shards,
        consistency_level=common_pb2.Session,
    )
    try:
        await server.change("CreateCollection", request)
    except PolystoreError:  # Lite refuses what somebody else has made just now
        if not await server.has_collection(name):
            raise


async def drop(server: Server, name: str) -> None:
    """Drop a collection, if it is there."""
    await server.change("DropCollection", milvus_pb2.DropCollectionRequest(collection_name=name))


async def drop_leftover(server: Server, name: str) -> None:
    """Drop a collection that no store has, where it is one of ours: a drop was cut off before it.

    Its records must not be taken for those of a new generation, whose number is the same.
    """
    if not await server.has_collection(name):
        return
    ours = {*_TEXTS, columns.VECTOR, columns.FACTS, *_NUMBERS}
    if ours <= (await described(server, name)).keys():
        await drop(server, name)


async def names_of_all(server: Server) -> list[str]:
    """Return the names of the collections of the database, in order."""
    answer: Any = await server.look("ShowCollections", milvus_pb2.ShowCollectionsRequest())
    return sorted(answer.collection_names)


async def rename(server: Server, name: str, new: str) -> None:
    """Give a collection another name, if it has not got it yet."""
    if await server.has_collection(name):
        request = milvus_pb2.RenameCollectionRequest(oldName=name, newName=new)
        await server.change("RenameCollection", request)


async def index_vectors(
    server: Server, name: str, kind: str, metric: str, params: Mapping[str, object]
) -> None:
    """Make the index on the vectors."""
    await _index(
        server,
        name,
        columns.VECTOR,
        {"index_type": kind, "metric_type": metric, "params": json.dumps(params)},
    )


async def _index_texts(server: Server, name: str, field: str) -> None:
    facts = server.facts
    kind = "INVERTED" if facts.lite or facts.is_from(_INVERTED_SINCE) else "Trie"
    await _index(server, name, field, {"index_type": kind})


async def _index(server: Server, name: str, field: str, params: Mapping[str, object]) -> None:
    if field in await indexes(server, name):
        return
    request = milvus_pb2.CreateIndexRequest(
        collection_name=name, field_name=field, index_name=field, extra_params=pairs(params)
    )
    try:
        await server.change("CreateIndex", request)
    except Conflict:  # somebody else has made it just now
        if field not in await indexes(server, name):
            raise
    except PolystoreError as error:
        if type(error) is not PolystoreError:
            raise
        raise UnsupportedError(
            f"the server makes no such index: {error.message}",
            backend=server.name,
            hint="Correct `index`, or options: {milvus: {index_type, index_params}}, and apply "
            "again",
        ) from error


async def load(server: Server, name: str, *, replicas: int = 1) -> None:
    """Have a collection in memory, where it can be searched; wait until it is."""
    request = milvus_pb2.LoadCollectionRequest(collection_name=name, replica_number=replicas)
    await server.change("LoadCollection", request)
    # The server tells nobody when it is done.
    while (state := await load_state(server, name)) != common_pb2.LoadStateLoaded:
        if state != common_pb2.LoadStateLoading:
            raise ConnectionFailed(
                f"the collection {name} could not be loaded, or was released meanwhile",
                backend=server.name,
                hint="Has the server the memory for it? See its log, and open again",
                retryable=True,
            )
        await asyncio.sleep(_POLL)


async def is_loaded(server: Server, name: str, *, replicas: int = 1) -> bool:
    """Return whether a collection is in memory, after loading one that was released.

    One without its index, left by who was cut off while making it, cannot be loaded.
    """
    if await load_state(server, name) != common_pb2.LoadStateLoaded:
        if columns.VECTOR not in await indexes(server, name):
            return False
        await load(server, name, replicas=replicas)
    return True


async def indexes(server: Server, name: str) -> dict[str, Index]:
    """Return the indexes of a collection by their fields."""
    request = milvus_pb2.DescribeIndexRequest(collection_name=name)
    try:
        answer: Any = await server.look("DescribeIndex", request)
    except SchemaMismatch:  # it has none
        return {}
    found: dict[str, Index] = {}
    for index in answer.index_descriptions:
        params = {pair.key: pair.value for pair in index.params}
        found[index.field_name] = Index(
            int(index.state), params.get("index_type", ""), params.get("metric_type", "")
        )
    return found


async def load_state(server: Server, name: str) -> int:
    """Return whether a collection is in memory, as a `common_pb2.LoadState`."""
    request = milvus_pb2.GetLoadStateRequest(collection_name=name)
    return int((await server.look("GetLoadState", request)).state)


async def check_store(server: Server, name: str, spec: VectorSpec) -> dict[Path, str]:
    """Return the columns of declared fields that the collection `name` of a store has, by path.

    Raises:
        SchemaMismatch: It is not what a store's collection has to be.
    """
    wanted = in_words(store_fields(spec))
    found = await described(server, name)
    # Fields that were declared after the collection was made have no column.
    later = {field for field in wanted if field.startswith(BEGINNING) and field not in found}
    differing = sorted(
        field
        for field in (wanted.keys() | found.keys()) - later
        if wanted.get(field) != found.get(field)
    )
    if differing:
        raise SchemaMismatch(
            f"the collection {name} is not what polystore makes: {', '.join(differing)}",
            backend=server.name,
            store=spec.name,
            hint="Somebody else made it: rename or drop it, or choose another namespace",
        )
    return present_columns(spec, found)


async def check_index(server: Server, name: str, spec: VectorSpec) -> None:
    """Raise SchemaMismatch if the index on the vectors, where there is one, is another."""
    found = (await indexes(server, name)).get(columns.VECTOR)
    wanted = (index_type(spec), metric_name(spec.metric))
    if found is not None and (found.type, found.metric) != wanted:
        raise SchemaMismatch(
            f"the vectors of {name} are indexed by {found.type} {found.metric}, not by "
            f"{' '.join(wanted)}",
            backend=server.name,
            store=spec.name,
            hint="Somebody else made that index: release the collection, drop the index, and run "
            "`polystore apply`",
        )


async def to_be_indexed(server: Server, name: str) -> list[str]:
    """Return the fields of a store's collection that have to have an index."""
    declared = [field for field in await described(server, name) if field.startswith(BEGINNING)]
    return [columns.VECTOR, columns.WORKSPACE, *declared]


async def described(server: Server, name: str) -> dict[str, str]:
    """Return the fields of a collection and what they take, in words."""
    request = milvus_pb2.DescribeCollectionRequest(collection_name=name)
    answer: Any = await server.look("DescribeCollection", request)
    return in_words(answer.schema.fields)


def in_words(fields: Iterable[schema_pb2.FieldSchema]) -> dict[str, str]:
    """Return what fields take, in words, by name."""
    return {field.name: _shown(field) for field in fields}


def _shown(field: schema_pb2.FieldSchema) -> str:
    sizes = {pair.key: pair.value for pair in field.type_params}
    size = sizes.get("dim") or sizes.get("max_length")
    name = schema_pb2.DataType.Name(field.data_type)
    key = " primary key" if field.is_primary_key else ""
    return f"{name}({size}){key}" if size else f"{name}{key}"
