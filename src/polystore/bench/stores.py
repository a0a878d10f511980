"""Which stores are measured: one of each kind on each backend that serves that kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.bench.records import DIMENSIONS
from polystore.capabilities import KINDS
from polystore.errors import ConfigError
from polystore.specs import DocSpec, GraphSpec, KVSpec, VectorSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.capabilities import Kind
    from polystore.runtime import Runtime
    from polystore.specs import FieldType, StoreSpec


def bench_specs(runtime: Runtime, kinds: Sequence[Kind] = KINDS) -> list[StoreSpec]:
    """Return the stores to measure: of each kind, one on each backend that its stores are on.

    Those are the backends of declared stores of the kind, and the default one of the kind.

    Raises:
        ConfigError: There is none at all.
    """
    specs: list[StoreSpec] = []
    for kind in kinds:
        specs += [
            _spec(kind, f"bench_{kind}_{number}", backend)
            for number, backend in enumerate(_backends_of(runtime, kind), 1)
        ]
    if not specs:
        raise ConfigError(
            f"no backend serves {' or '.join(kinds)}",
            hint="Declare a store of that kind, or a default backend for it",
        )
    return specs


def _backends_of(runtime: Runtime, kind: Kind) -> list[str]:
    config = runtime.config
    names = {
        config.backend_of(declared.spec)
        for declared in runtime.declared.values()
        if declared.spec.kind == kind
    }
    default = config.default_backend(kind)
    if default is not None:
        names.add(default)
    return [name for name in config.backends if name in names and _serves(runtime, name, kind)]


def _serves(runtime: Runtime, backend: str, kind: Kind) -> bool:
    return runtime.named(backend).backend.capabilities(kind) is not None


def _spec(kind: Kind, name: str, backend: str) -> StoreSpec:
    match kind:
        case "kv":
            return KVSpec(name=name, backend=backend)
        case "doc":
            indexes = (("status",), ("rank",), ("group",))
            return DocSpec(name=name, backend=backend, indexes=indexes)
        case "vector":
            fields: dict[str, FieldType] = {"group": "integer"}
            return VectorSpec(name=name, backend=backend, dimensions=DIMENSIONS, fields=fields)
        case "graph":
            return GraphSpec(name=name, backend=backend)
