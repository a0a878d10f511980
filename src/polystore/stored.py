"""What a backend's catalogue says of a store: the generation that serves, and those beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import TypeAdapter

from polystore.specs import AnyStoreSpec, StoreSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Origin: TypeAlias = Literal["yaml", "code", "inferred"]
Role: TypeAlias = Literal["next", "old", "marks"]
"""Of a generation that does not serve: it is being filled; it served before; or it holds, by id,
the versions that the serving one had when it began to serve."""

_SPECS: TypeAdapter[StoreSpec] = TypeAdapter(AnyStoreSpec)
_BESIDE = "beside"
"""No field of any spec: an older polystore refuses to read it, rather than lose it by writing."""


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation of a store that does not serve.

    Attributes:
        spec: What it was made for.
        number: Tells it from the others, also in the names that the engine knows.
        role: What it is for.
    """

    spec: StoreSpec
    number: int
    role: Role


@dataclass(frozen=True, slots=True)
class StoredSpec:
    """A row of a backend's catalogue.

    Attributes:
        spec: As it was declared when last applied.
        generation: Counts up when a store is rebuilt beside its old self.
        origin: Where the declaration came from.
        beside: The generations that do not serve.
    """

    spec: StoreSpec
    generation: int = 1
    origin: Origin = "yaml"
    beside: tuple[Generation, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return spec and generations as JSON, for the catalogue; `read_stored` reads it."""
        document = _dumped(self.spec)
        if self.beside:
            document[_BESIDE] = [
                {"number": one.number, "role": one.role, "spec": _dumped(one.spec)}
                for one in self.beside
            ]
        return document

    def find(self, role: Role) -> StoredSpec | None:
        """Return the generation that has `role`, as a store of its own; None if there is none."""
        found = next((one for one in self.beside if one.role == role), None)
        return None if found is None else self._at(found)

    def alone(self) -> StoredSpec:
        """Return the serving generation without the others."""
        return replace(self, beside=())

    def named(self, name: str) -> StoredSpec:
        """Return the same under another name, with every generation."""
        beside = tuple(replace(one, spec=_renamed(one.spec, name)) for one in self.beside)
        return replace(self, spec=_renamed(self.spec, name), beside=beside)

    def every_generation(self) -> Iterator[StoredSpec]:
        """Yield the serving generation and those beside it, each as a store of its own."""
        yield self.alone()
        for one in self.beside:
            yield self._at(one)

    def with_records(self) -> list[StoredSpec]:
        """Return the generations that hold records: all but the marks."""
        marks = self.find("marks")
        return [one for one in self.every_generation() if one != marks]

    def numbered(self, number: int) -> StoredSpec:
        """Return the generation `number` as a store of its own, also one that was forgotten.

        The names of its tables, or whatever the engine has, are right in either case.
        """
        for one in self.every_generation():
            if one.generation == number:
                return one
        return StoredSpec(self.spec, number, self.origin)

    def _at(self, one: Generation) -> StoredSpec:
        return StoredSpec(one.spec, one.number, self.origin)


def read_stored(document: Mapping[str, Any], generation: int, origin: Origin) -> StoredSpec:
    """Return what `StoredSpec.document` wrote.

    Raises:
        pydantic.ValidationError: It is none of this version's.
    """
    rest = {key: value for key, value in document.items() if key != _BESIDE}
    beside = tuple(
        Generation(_SPECS.validate_python(one["spec"]), one["number"], one["role"])
        for one in document.get(_BESIDE, ())
    )
    return StoredSpec(_SPECS.validate_python(rest), generation, origin, beside)


def _renamed(spec: StoreSpec, name: str) -> StoreSpec:
    return spec.model_copy(update={"name": name})


def _dumped(spec: StoreSpec) -> dict[str, Any]:
    # Which backend serves a store is the configuration's business, not the catalogue's.
    return spec.model_dump(mode="json", exclude={"backend"})
