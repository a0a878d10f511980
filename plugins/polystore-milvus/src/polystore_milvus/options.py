"""`options: {milvus: {...}}` of a store: what only Milvus understands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from polystore.errors import ConfigError, UnsupportedError

if TYPE_CHECKING:
    from polystore.specs import VectorSpec

IndexType: TypeAlias = Literal[
    "FLAT", "HNSW", "IVF_FLAT", "IVF_SQ8", "IVF_PQ", "SCANN", "DISKANN", "AUTOINDEX"
]
EXACT: Final = "FLAT"
"""Compares every vector."""
_OF_LITE: Final = frozenset({"FLAT", "HNSW", "IVF_FLAT", "IVF_SQ8", "IVF_PQ", "AUTOINDEX"})
_TYPES: Final[dict[str, IndexType]] = {
    "auto": "HNSW",
    "hnsw": "HNSW",
    "ivfflat": "IVF_FLAT",
    "none": "FLAT",
}
_LISTS: Final = 128
"""Of IVF in each segment, unless `index.lists` says otherwise."""


class Options(BaseModel):
    """What a store may set.

    Attributes:
        index_type: Another index of Milvus than `index.type` names, e.g. IVF_SQ8, SCANN, DISKANN.
        index_params: What it is built with, in Milvus' words, beside what `index` says.
        search_params: What it is searched with, beside what `index` and the call say.
        shards: Into how many channels writes are spread; fixed when the store is made.
        replicas: In how many query nodes the collection is held in memory.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    index_type: IndexType | None = None
    index_params: dict[str, int | float | str | bool] = Field(default_factory=dict[str, Any])
    search_params: dict[str, int | float | str | bool] = Field(default_factory=dict[str, Any])
    shards: int = Field(default=1, ge=1, le=64)
    replicas: int = Field(default=1, ge=1, le=64)


def options_of(spec: VectorSpec) -> Options:
    """Return the options of a store.

    Raises:
        ConfigError: One is unknown or out of range.
        UnsupportedError: The index cannot be as declared.
    """
    if spec.index.quantization != "none":
        raise UnsupportedError(
            f"index.quantization: {spec.index.quantization} is not for Milvus",
            store=spec.name,
            hint="Use options: {milvus: {index_type: IVF_SQ8}} (or IVF_PQ, SCANN, DISKANN)",
        )
    try:
        options = Options.model_validate(spec.options_for("milvus"))
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(
            f"options.milvus.{'.'.join(map(str, first['loc']))}: {first['msg']}",
            store=spec.name,
            hint=f"There are {', '.join(Options.model_fields)}",
        ) from None
    if options.index_type == "IVF_PQ" and "m" not in options.index_params:
        raise ConfigError(
            "options.milvus.index_params: IVF_PQ needs m, into how many parts a vector is cut",
            store=spec.name,
            hint=f"Give index_params: {{m: N}}, where {spec.dimensions} is a multiple of N",
        )
    return options


def check_index(spec: VectorSpec, *, lite: bool, backend: str) -> None:
    """Raise UnsupportedError if the server has no index as the store wants it."""
    kind = index_type(spec)
    if lite and kind not in _OF_LITE:
        raise UnsupportedError(
            f"Milvus Lite has no index {kind}",
            backend=backend,
            store=spec.name,
            hint=f"It has {', '.join(sorted(_OF_LITE))}",
        )


def index_type(spec: VectorSpec) -> IndexType:
    """Return the name of the index in Milvus."""
    return options_of(spec).index_type or _TYPES[spec.index.type]


def build_params(spec: VectorSpec) -> dict[str, Any]:
    """Return what the index is built with."""
    kind, index = index_type(spec), spec.index
    params: dict[str, Any] = {}
    if kind == "HNSW":
        params = {"M": index.m, "efConstruction": index.ef_construction}
    elif kind in {"IVF_FLAT", "IVF_SQ8", "IVF_PQ", "SCANN"}:
        params = {"nlist": index.lists or _LISTS}
    return params | options_of(spec).index_params


def search_params(spec: VectorSpec, k: int, ef: int | None, probes: int | None) -> dict[str, Any]:
    """Return what the index is searched with for `k` hits."""
    kind, index = index_type(spec), spec.index
    params: dict[str, Any] = {}
    if kind == "HNSW":
        params = {"ef": max(ef or index.ef, k)}
    elif kind in {"IVF_FLAT", "IVF_SQ8", "IVF_PQ", "SCANN"}:
        lists = index.lists or _LISTS
        params = {"nprobe": min(probes or index.probes or max(1, lists // 8), lists)}
    elif kind == "DISKANN":
        params = {"search_list": max(ef or index.ef, k)}
    return options_of(spec).search_params | params
