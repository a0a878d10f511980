"""Declared stores: what the YAML's `stores:` block, code and plugins' store sets declare.

A spec says what an application needs, not how an engine does it; `options` is the place for what
only one engine understands. Specs are compared with a backend's catalogue when stores are opened.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeAlias, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from typing_extensions import override

from polystore.capabilities import Feature
from polystore.errors import PolystoreError
from polystore.filters import Path, parse_path
from polystore.types.durations import parse_duration
from polystore.types.names import check_store_name

Metric: TypeAlias = Literal["cosine", "ip", "l2"]
FieldType: TypeAlias = Literal["string", "integer", "number", "boolean", "datetime", "array"]


def _duration(value: object) -> object:
    if value is None:
        return None
    try:
        seconds = parse_duration(value)
    except PolystoreError as error:
        raise ValueError(str(error)) from None
    if seconds <= 0:
        raise ValueError("a duration must be positive")
    return seconds


Duration: TypeAlias = Annotated[
    float, BeforeValidator(_duration, json_schema_input_type=float | str)
]
"""Seconds; YAML and code may also say `30s`, `15m`, `12h`, `7d`, `2w`."""


class Quota(BaseModel):
    """How much one workspace may have in a store."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int | None = Field(
        default=None, ge=1, description="Rows; of a graph, nodes and edges together."
    )
    bytes: int | None = Field(
        default=None, ge=1, description="Bytes, as the backend estimates them for `stats`."
    )


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: str
    backend: str | None = Field(
        default=None, description="Backend that serves it; else `defaults:`."
    )
    options: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Engine-specific options, by backend type."
    )
    # What the core alone acts on is no business of a backend's catalogue, so it is never dumped.
    renamed_from: str | None = Field(
        default=None,
        exclude=True,
        description="The name under which it is still there, if it is: `apply` renames it.",
    )
    optional: bool = Field(
        default=False,
        exclude=True,
        description="A cache: while its backend is out of reach, reads miss and writes are "
        "dropped, counted; opening does not fail.",
    )
    quota: Quota | None = Field(
        default=None,
        exclude=True,
        description="How much each workspace may have; more is refused before it is written.",
    )

    @field_validator("name", "renamed_from")
    @classmethod
    def _valid_name(cls, name: str | None) -> str | None:
        if name is None:
            return None
        try:
            return check_store_name(name)
        except PolystoreError as error:
            raise ValueError(str(error)) from None

    def options_for(self, use: str) -> dict[str, Any]:
        """Return the options meant for backends of type `use`."""
        return self.options.get(use, {})

    def features_needed(self) -> tuple[Feature, ...]:
        """Return what the declaration itself asks of a backend."""
        return ()


class KVSpec(_Spec):
    """A key-value store: keys to JSON values or exact bytes."""

    kind: Literal["kv"] = "kv"
    ttl: Duration | None = Field(
        default=None, description="How long entries live unless a put says."
    )

    @override
    def features_needed(self) -> tuple[Feature, ...]:
        """Return what the declaration itself asks of a backend."""
        return () if self.ttl is None else (Feature.TTL,)


class IndexSpec(BaseModel):
    """How vectors are indexed; hints that every engine maps to its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["auto", "hnsw", "ivfflat", "none"] = Field(
        default="auto", description="`auto`: HNSW where the engine has it. `none`: always exact."
    )
    m: int = Field(default=16, ge=2, le=100, description="HNSW: links per node.")
    ef_construction: int = Field(
        default=128, ge=4, le=1000, description="HNSW: candidates while building."
    )
    ef: int = Field(
        default=80, ge=1, le=1000, description="HNSW: candidates while searching, by default."
    )
    lists: int | None = Field(
        default=None, ge=1, le=32768, description="IVFFlat: lists; null chooses."
    )
    probes: int | None = Field(default=None, ge=1, le=32768, description="IVFFlat: lists searched.")
    quantization: Literal["none", "half", "binary"] = Field(
        default="none", description="Of the index; what is stored stays float32."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.ef_construction < 2 * self.m:
            raise ValueError(f"ef_construction must be at least 2 * m = {2 * self.m}")
        return self


class VectorSpec(_Spec):
    """A vector store: ids to a float32 vector, a text and metadata."""

    kind: Literal["vector"] = "vector"
    dimensions: int = Field(ge=1, le=65536, description="Of the vectors; cannot be changed.")
    metric: Metric = Field(
        default="cosine", description="What near means; `ip` is the inner product."
    )
    embedding_model: str | None = Field(
        default=None, description="Remembered; opening the store with another one is refused."
    )
    fields: dict[str, FieldType] = Field(
        default_factory=dict, description="Declared metadata: typed, checked and indexed."
    )
    index: IndexSpec = IndexSpec()

    @field_validator("fields")
    @classmethod
    def _valid_fields(cls, fields: dict[str, FieldType]) -> dict[str, FieldType]:
        if len({_user_path(path) for path in fields}) != len(fields):
            raise ValueError("a field is declared twice, in two ways to write its path")
        return fields

    @override
    def features_needed(self) -> tuple[Feature, ...]:
        """Return what the declaration itself asks of a backend."""
        return (Feature(f"metric_{self.metric}"),)

    def field_paths(self) -> dict[Path, FieldType]:
        """Return the declared metadata fields by path."""
        return {parse_path(name): type_ for name, type_ in self.fields.items()}


class FieldOrder(BaseModel):
    """One part of a declared index."""

    model_config = ConfigDict(frozen=True)
    path: str
    descending: bool = False

    @property
    def parsed(self) -> Path:
        """The path."""
        return parse_path(self.path)


def parse_order(text: str) -> FieldOrder:
    """Return the order that `status`, `-meta:created_at` and the like name."""
    descending = text.startswith("-")
    path = text.removeprefix("-")
    try:
        parse_path(path)
    except PolystoreError as error:
        raise ValueError(str(error)) from None
    return FieldOrder(path=path, descending=descending)


def _index(value: object) -> object:
    given = cast("list[object]", value) if isinstance(value, list | tuple) else [value]
    names = [name for name in given if isinstance(name, str)]
    if len(names) != len(given):
        raise ValueError("an index is a field name or a list of field names")
    if not 1 <= len(names) <= MAX_INDEX_FIELDS:
        raise ValueError(f"an index has 1 to {MAX_INDEX_FIELDS} fields")
    paths = [parse_order(name).parsed for name in names]
    if len(set(paths)) != len(paths):
        raise ValueError("an index names a field twice")
    return tuple(names)


MAX_INDEX_FIELDS = 3
Index: TypeAlias = Annotated[
    tuple[str, ...], BeforeValidator(_index, json_schema_input_type=str | list[str])
]
"""A field, or a list of fields for a composite; `-` before a name means descending,
`meta:created_at` is the system field."""


def _user_path(text: str) -> Path:
    try:
        path = parse_path(text)
    except PolystoreError as error:
        raise ValueError(str(error)) from None
    if path.meta:
        raise ValueError(f"{text} is a system field, which needs no declaration")
    return path


class _Indexed(_Spec):
    indexes: tuple[Index, ...] = Field(
        default=(), description="Fields, or lists of fields, by which reads filter, sort and count."
    )

    @field_validator("indexes")
    @classmethod
    def _distinct(cls, indexes: tuple[Index, ...]) -> tuple[Index, ...]:
        if len(set(indexes)) != len(indexes):
            raise ValueError("an index is declared twice")
        return indexes

    def orders(self) -> list[tuple[FieldOrder, ...]]:
        """Return the declared indexes, parsed."""
        return [tuple(parse_order(name) for name in index) for index in self.indexes]

    def indexed_paths(self) -> list[Path]:
        """Return the distinct user fields that any declared index covers, in order."""
        paths = (order.parsed for index in self.orders() for order in index)
        return list(dict.fromkeys(path for path in paths if not path.meta))


class DocSpec(_Indexed):
    """A document store: ids to JSON objects."""

    kind: Literal["doc"] = "doc"


class GraphSpec(_Indexed):
    """A graph store: a property multigraph. `indexes` are over node properties."""

    kind: Literal["graph"] = "graph"
    directed: bool = Field(default=True, description="If false, (a, b) and (b, a) are one edge.")


StoreSpec: TypeAlias = KVSpec | VectorSpec | GraphSpec | DocSpec
AnyStoreSpec: TypeAlias = Annotated[StoreSpec, Field(discriminator="kind")]
