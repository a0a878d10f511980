"""Filters over metadata, declared and not, in scans and in searches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest_asyncio
from typing_extensions import override

from polystore.capabilities import Feature
from polystore.filters import Filter, Path, is_trivial, parse_filter
from polystore.testing.checks import fresh_workspace
from polystore.testing.filters.corpus import (
    CONTAINERS,
    FREE_FIELDS,
    ROWS,
    SCALARS,
    Corpus,
    Row,
    build_objects,
)
from polystore.testing.filters.suite import FilterTests
from polystore.testing.vector.base import VectorTests, random_vectors, unit
from polystore.types.sortkey import MISSING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from polystore.client import Polystore
    from polystore.stores.filtering import FilterLike
    from polystore.stores.vector import VectorStore
    from polystore.types.records import VectorRecord

_NONE: Final = (None, MISSING)
_NUMBERS: Final = [v for v in SCALARS if isinstance(v, int | float) and not isinstance(v, bool)]
_TEXTS: Final = [value for value in SCALARS if isinstance(value, str)]
TYPED_FIELDS: Final[dict[tuple[str, ...], Sequence[Any]]] = {
    ("text",): (*_TEXTS, *_NONE),
    ("whole",): (*(value for value in _NUMBERS if isinstance(value, int)), *_NONE),
    ("number",): (*_NUMBERS, *_NONE),
    ("flag",): (True, False, *_NONE),
    ("time",): (*(text for text in _TEXTS if text[4:5] == "-"), "no time at all", *_NONE),
    ("tags",): (*(value for value in CONTAINERS if isinstance(value, list)), *_NONE),
    ("in", "side"): (*_TEXTS, *_NONE),
}
"""What the declared fields of `kit_typed` may hold."""


class MetadataCorpus(Corpus):
    """Records to ask filters of, by scan."""

    ordered = False

    def __init__(self, vectors: VectorStore, rows: list[Row], **limits: Any) -> None:
        super().__init__(rows, **limits)
        self._vectors = vectors

    @override
    async def ids(self, filter_: FilterLike) -> list[str]:
        """Return the ids that a scan gives."""
        return [stored.id async for stored in self._vectors.scan(filter_)]

    @override
    async def count(self, filter_: FilterLike) -> int:
        """Return what `count` gives."""
        return await self._vectors.count(filter_)


class SearchCorpus(MetadataCorpus):
    """The same, by search."""

    @override
    def lacking(self, filter_: Filter) -> set[str]:
        """Return what is not declared of that which a search with this filter needs."""
        able = Feature.FILTER in self.capabilities.features or is_trivial(filter_)
        return super().lacking(filter_) | (set() if able else {str(Feature.FILTER)})

    @override
    async def ids(self, filter_: FilterLike) -> list[str]:
        """Return the ids that a search finds which asks for more than there are."""
        wanted = parse_filter(filter_)
        hits = await self._vectors.search(unit(0), k=len(self.rows) + 1, filter=wanted)
        return [hit.id for hit in hits]


class TypedCorpus(SearchCorpus):
    """The same over declared fields."""

    main_paths = tuple(map(Path, TYPED_FIELDS))
    all_paths = (*main_paths, Path(("in",)), Path(("tags", "0")), Path(("row",)))


def meta_of(stored: VectorRecord) -> dict[str, Any]:
    """Return the system fields of a record."""
    return {
        "id": stored.id,
        "version": stored.version,
        "created_at": stored.created_at,
        "updated_at": stored.updated_at,
    }


class VectorFilters(VectorTests, FilterTests):
    """Filters."""

    @pytest_asyncio.fixture(scope="class", loop_scope="class", params=["scan", "search", "typed"])
    @classmethod
    async def corpus(cls, client: Polystore, request: pytest.FixtureRequest) -> Corpus:
        """Return records to ask filters of."""
        space = client.workspace(fresh_workspace())
        is_typed = request.param == "typed"
        vectors = space.vector("kit_typed" if is_typed else "kit_vectors")
        capabilities = await vectors.capabilities()
        fields = TYPED_FIELDS if is_typed else FREE_FIELDS
        objects = build_objects(fields, ROWS, capabilities.limits.max_exact_integer)
        await vectors.upsert_arrays(
            list(objects), random_vectors(ROWS, seed=60), metadata=list(objects.values())
        )
        rows = [Row(r.id, r.metadata, meta_of(r)) async for r in vectors.scan()]
        kinds = {"scan": MetadataCorpus, "search": SearchCorpus, "typed": TypedCorpus}
        return kinds[request.param](vectors, rows, capabilities=capabilities)
