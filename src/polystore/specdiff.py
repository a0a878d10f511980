"""How a declared store differs from the stored one, in words that every backend understands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from polystore.specs import DocSpec, GraphSpec, VectorSpec

if TYPE_CHECKING:
    from polystore.specs import StoreSpec

Origin: TypeAlias = Literal["yaml", "code", "inferred"]
Action: TypeAlias = Literal["create_store", "add_field", "add_index", "update_spec", "refused"]


@dataclass(frozen=True, slots=True)
class StoredSpec:
    """A row of a backend's catalogue.

    Attributes:
        spec: As it was declared when last applied.
        generation: Counts up when a store is rebuilt beside its old self.
        origin: Where the declaration came from.
    """

    spec: StoreSpec
    generation: int = 1
    origin: Origin = "yaml"


@dataclass(frozen=True, slots=True)
class SpecChange:
    """One difference between a stored and a declared spec.

    Attributes:
        action: What has to be done; `refused` says that `apply` will not do it.
        summary: One line for a person.
        subject: The field (add_field: name and type) or index (add_index: its parts) concerned.
        reason: For `refused`: why, and the way out.
    """

    action: Action
    summary: str
    subject: tuple[str, ...] = field(default=())
    reason: str | None = None


def compare_specs(stored: StoreSpec | None, declared: StoreSpec) -> list[SpecChange]:
    """Return what has to change for `stored` to become `declared`, in the order to do it."""
    if stored is None:
        return [SpecChange("create_store", f"create {declared.kind} store {declared.name}")]
    if stored.kind != declared.kind:
        return [_refuse("kind", stored.kind, declared.kind)]
    changes = [_refuse(*difference) for difference in _fixed(stored, declared)]
    changes += _added(stored, declared)
    if not changes and _essence(stored) != _essence(declared):
        changes.append(SpecChange("update_spec", f"note new settings of store {declared.name}"))
    return changes


def _refuse(what: str, stored: Any, declared: Any) -> SpecChange:
    return SpecChange(
        "refused",
        f"{what} is {stored!r} and would become {declared!r}",
        (what,),
        f"Stored data cannot follow a changed {what}. Declare a new store beside this one, fill "
        "it and switch over; or restore the old value",
    )


def _fixed(stored: StoreSpec, declared: StoreSpec) -> list[tuple[str, Any, Any]]:
    names: tuple[str, ...] = ()
    if isinstance(stored, VectorSpec):
        names = ("dimensions", "metric", "embedding_model", "index")
    elif isinstance(stored, GraphSpec):
        names = ("directed",)
    pairs = ((name, getattr(stored, name), getattr(declared, name)) for name in names)
    differences = [pair for pair in pairs if pair[1] != pair[2]]
    if isinstance(stored, VectorSpec) and isinstance(declared, VectorSpec):
        differences += _vector_fixed(stored, declared, differences)
    return differences


def _vector_fixed(
    stored: VectorSpec, declared: VectorSpec, differences: list[tuple[str, Any, Any]]
) -> list[tuple[str, Any, Any]]:
    # How an index is searched by default is no property of the stored index.
    same_built = stored.index.model_dump(exclude={"ef", "probes"}) == declared.index.model_dump(
        exclude={"ef", "probes"}
    )
    if same_built:
        differences[:] = [pair for pair in differences if pair[0] != "index"]
    return [
        (f"type of field {name}", type_, declared.fields[name])
        for name, type_ in stored.fields.items()
        if name in declared.fields and declared.fields[name] != type_
    ]


def _added(stored: StoreSpec, declared: StoreSpec) -> list[SpecChange]:
    changes: list[SpecChange] = []
    if isinstance(stored, VectorSpec) and isinstance(declared, VectorSpec):
        changes += [
            SpecChange("add_field", f"declare field {name}: {type_} and index it", (name, type_))
            for name, type_ in declared.fields.items()
            if name not in stored.fields
        ]
    if isinstance(stored, DocSpec | GraphSpec) and isinstance(declared, DocSpec | GraphSpec):
        known = set(stored.indexed_paths())
        fresh = [path for path in declared.indexed_paths() if path not in known]
        changes += [SpecChange("add_field", f"index field {path}", (str(path),)) for path in fresh]
        changes += [
            SpecChange("add_index", f"create index on {', '.join(index)}", index)
            for index in declared.indexes
            if index not in stored.indexes
        ]
    return changes


def _essence(spec: StoreSpec) -> dict[str, Any]:
    # Which backend serves a store is the configuration's business, not the catalogue's.
    return spec.model_dump(mode="json", exclude={"backend"})
