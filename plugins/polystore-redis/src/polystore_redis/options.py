"""`options: {redis: {...}}` of a store: what only Redis understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from polystore.errors import ConfigError

if TYPE_CHECKING:
    from polystore.specs import StoreSpec

_SPREAD = 16
"""Partitions of a key-value store on a cluster, unless it says otherwise."""


class Options(BaseModel):
    """What a store may set.

    Attributes:
        partitions: Into how many slots of a cluster each workspace of this store is spread. One
            partition is changed as a whole, so that batches are all or nothing; many use all nodes
            of a cluster for one workspace. It is fixed when the store is made. null: 1, but 16
            for key-value stores on a cluster.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    partitions: int | None = Field(default=None, ge=1, le=256)


def options_of(spec: StoreSpec) -> Options:
    """Return the options of a store.

    Raises:
        ConfigError: One is unknown or out of range.
    """
    try:
        return Options.model_validate(spec.options.get("redis", {}))
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(
            f"options.redis.{'.'.join(map(str, first['loc']))}: {first['msg']}",
            store=spec.name,
            hint="There is `partitions`, a number from 1 to 256",
        ) from None


def partitions_of(spec: StoreSpec, *, cluster: bool) -> int:
    """Return into how many slots a store that is made now is spread."""
    chosen = options_of(spec).partitions
    if chosen is not None:
        return chosen
    return _SPREAD if cluster and spec.kind == "kv" else 1
