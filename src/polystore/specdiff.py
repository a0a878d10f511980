"""How a declared store differs from the stored one, in words that every backend understands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from polystore.specs import DocSpec, GraphSpec, VectorSpec
from polystore.stored import Origin, StoredSpec

if TYPE_CHECKING:
    from polystore.specs import FieldType, StoreSpec

__all__ = [
    "Action",
    "Origin",
    "SpecChange",
    "StoredSpec",
    "compare_specs",
    "same_declaration",
    "spec_after",
]
Action: TypeAlias = Literal[
    "create_store",
    "rebuild_index",
    "add_field",
    "add_index",
    "update_spec",
    "start_generation",
    "switch_generation",
    "drop_generation",
    "drop_store",
    "rename_store",
    "refused",
]


@dataclass(frozen=True, slots=True)
class SpecChange:
    """One difference between a stored and a declared spec.

    Attributes:
        action: What has to be done; `refused` says that `apply` will not do it.
        summary: One line for a person.
        subject: add_field (vector metadata): name and type. add_index (documents, nodes): its
            parts, as declared; the backend adds what it needs for fields that are new to it.
            start_generation, drop_generation: its number. rename_store: the old name.
        reason: For `refused`: why, and the way out.
    """

    action: Action
    summary: str
    subject: tuple[str, ...] = field(default=())
    reason: str | None = None


def compare_specs(
    stored: StoreSpec | None, declared: StoreSpec, *, rebuilds: bool = False
) -> list[SpecChange]:
    """Return what has to change for `stored` to become `declared`, in the order to do it.

    Args:
        stored: What the catalogue says; None: nothing.
        declared: What is wanted.
        rebuilds: Whether the backend can make another index for nearness out of what is stored.
    """
    if stored is None:
        return [SpecChange("create_store", f"create {declared.kind} store {declared.name}")]
    if stored.kind != declared.kind:
        return [_refuse("kind", stored.kind, declared.kind, name=declared.name)]
    changes = [
        _rebuild(declared, *values)
        if what == "index" and rebuilds
        else _refuse(what, *values, name=declared.name)
        for what, *values in _fixed(stored, declared)
    ]
    changes += [_refuse_removal(what) for what in _removed(stored, declared)]
    changes += _added(stored, declared)
    if not changes and _essence(stored) != _essence(declared):
        changes.append(SpecChange("update_spec", f"note new settings of store {declared.name}"))
    return changes


def spec_after(stored: StoreSpec | None, declared: StoreSpec, change: SpecChange) -> StoreSpec:
    """Return what is true once `change`, one of `compare_specs(stored, declared)`, is done."""
    if stored is None or change.action in {"create_store", "update_spec"}:
        return declared
    if change.action == "rebuild_index" and isinstance(declared, VectorSpec):
        return stored.model_copy(update={"index": declared.index})
    if change.action == "add_field" and isinstance(stored, VectorSpec):
        name = change.subject[0]
        fields = {**stored.fields, name: _fields(declared)[name]}
        return stored.model_copy(update={"fields": fields})
    if change.action == "add_index" and isinstance(stored, DocSpec | GraphSpec):
        return stored.model_copy(update={"indexes": (*stored.indexes, change.subject)})
    return stored


def same_declaration(one: StoreSpec, other: StoreSpec) -> bool:
    """Return whether two specs ask the same of a backend."""
    return _essence(one) == _essence(other)


def _refuse(what: str, stored: Any, declared: Any, *, name: str) -> SpecChange:
    return SpecChange(
        "refused",
        f"{what} is {stored!r} and would become {declared!r}",
        (what,),
        f"Stored data cannot follow a changed {what}. {_way_out(name, vector=what in _COPIED)}; "
        "or restore the old value",
    )


_COPIED = frozenset({"dimensions", "metric", "embedding_model", "index"})
"""What another generation of a vector store may have otherwise."""


def _way_out(name: str, *, vector: bool) -> str:
    if vector:
        return (
            f"Run `polystore generation start {name}`, which makes another generation beside this "
            "one, to be filled and switched to while this one serves"
        )
    return "Declare a new store beside this one, fill it and switch over"


def _rebuild(declared: StoreSpec, stored: Any, wanted: Any) -> SpecChange:
    differences = [
        f"{name} {stored[name]} -> {value}"
        for name, value in wanted.items()
        if stored[name] != value
    ]
    summary = f"rebuild the index for nearness of {declared.name}: {', '.join(differences)}"
    return SpecChange("rebuild_index", summary, ("index",))


def _refuse_removal(what: str) -> SpecChange:
    return SpecChange(
        "refused",
        f"{what} is no longer declared",
        (what,),
        "Nothing is dropped unasked. Declare it again",
    )


def _fixed(stored: StoreSpec, declared: StoreSpec) -> list[tuple[str, Any, Any]]:
    pairs: list[tuple[str, Any, Any]] = []
    if isinstance(stored, VectorSpec) and isinstance(declared, VectorSpec):
        pairs = [
            (name, getattr(stored, name), getattr(declared, name))
            for name in ("dimensions", "metric", "embedding_model")
        ]
        pairs.append(("index", _built(stored), _built(declared)))
        shared = stored.fields.keys() & declared.fields.keys()
        pairs += [
            (f"the type of field {name}", stored.fields[name], declared.fields[name])
            for name in sorted(shared)
        ]
    elif isinstance(stored, GraphSpec) and isinstance(declared, GraphSpec):
        pairs = [("directed", stored.directed, declared.directed)]
    return [pair for pair in pairs if pair[1] != pair[2]]


def _built(spec: VectorSpec) -> dict[str, Any]:
    # How an index is searched by default is no property of the index that was built.
    return spec.index.model_dump(exclude={"ef", "probes"})


def _removed(stored: StoreSpec, declared: StoreSpec) -> list[str]:
    fields = [f"field {name}" for name in _fields(stored) if name not in _fields(declared)]
    kept = set(_indexes(declared))
    return fields + [f"index on {_join(index)}" for index in _indexes(stored) if index not in kept]


def _added(stored: StoreSpec, declared: StoreSpec) -> list[SpecChange]:
    known_fields, known_indexes = _fields(stored), set(_indexes(stored))
    changes = [
        SpecChange("add_field", f"declare field {name}: {type_} and index it", (name, type_))
        for name, type_ in _fields(declared).items()
        if name not in known_fields
    ]
    changes += [
        SpecChange("add_index", f"create index on {_join(index)}", index)
        for index in _indexes(declared)
        if index not in known_indexes
    ]
    return changes


def _fields(spec: StoreSpec) -> dict[str, FieldType]:
    return spec.fields if isinstance(spec, VectorSpec) else {}


def _indexes(spec: StoreSpec) -> tuple[tuple[str, ...], ...]:
    return spec.indexes if isinstance(spec, DocSpec | GraphSpec) else ()


def _join(index: tuple[str, ...]) -> str:
    return ", ".join(index)


def _essence(spec: StoreSpec) -> dict[str, Any]:
    # Which backend serves a store is the configuration's business, not the catalogue's.
    return spec.model_dump(mode="json", exclude={"backend"})
