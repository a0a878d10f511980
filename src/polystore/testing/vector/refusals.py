"""What does not fit a vector store is refused before anything is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from polystore.errors import InvalidFilter, InvalidRecord, LimitExceeded, PolystoreError
from polystore.testing.checks import assert_raises, assert_refused
from polystore.testing.opening import DIMENSIONS
from polystore.testing.values import REFUSED_TEXTS, TOO_LONG_KEYS, refused_objects
from polystore.testing.vector.base import VectorTests, record, unit
from polystore.types.records import VectorRecord

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from polystore.stores.vector import VectorStore

NAN, INF = float("nan"), float("inf")
WRONG_SHAPES: tuple[Any, ...] = (
    [],
    [1.0],
    [1.0] * (DIMENSIONS - 1),
    [1.0] * (DIMENSIONS + 1),
    1.0,
    None,
    "12345678",
    ["a"] * DIMENSIONS,
    [[1.0] * DIMENSIONS],
)
WRONG_NUMBERS: tuple[list[float], ...] = (
    [NAN, *[1.0] * (DIMENSIONS - 1)],
    [*[1.0] * (DIMENSIONS - 1), INF],
    [-INF, *[1.0] * (DIMENSIONS - 1)],
    [1e39, *[1.0] * (DIMENSIONS - 1)],
)


def uses_of(vectors: VectorStore, id_: Any) -> list[Callable[[], Awaitable[Any]]]:
    """Return every call that takes an id."""
    return [
        lambda: vectors.get(id_),
        lambda: vectors.get_many(["a", id_]),
        lambda: vectors.upsert([record("a", n=2), record(id_)]),
        lambda: vectors.upsert_arrays(["a", id_], [unit(0), unit(0)]),
        lambda: vectors.delete(["a", id_]),
        lambda: vectors.update_metadata({"a": {"n": 2}, id_: {}}),
    ]


class VectorRefusals(VectorTests):
    """Bad input."""

    async def test_vectors_that_do_not_fit(self, metrics: list[VectorStore]) -> None:
        """A wrong dimension, NaN and infinity are refused, stored and asked."""
        for store in metrics:
            await store.upsert([record("a")])
            for vector in (*WRONG_SHAPES, *WRONG_NUMBERS):
                await assert_raises(
                    InvalidRecord,
                    lambda v=vector, s=store: s.upsert([record("b"), VectorRecord("a", v)]),
                    about=vector,
                )
                if vector is not None:
                    await assert_raises(
                        InvalidRecord, lambda v=vector, s=store: s.search(v), about=vector
                    )
            await assert_raises(InvalidRecord, lambda s=store: s.search_many([unit(0), [1.0]]))
            await assert_raises(InvalidRecord, lambda s=store: s.search_many(unit(0)))
            assert await store.count() == 1
            assert len(await store.search(unit(0))) == 1

    async def test_vectors_without_direction(self, metrics: list[VectorStore]) -> None:
        """A zero vector is refused under cosine, and welcome under ip and l2."""
        zero = [0.0] * DIMENSIONS
        for store in metrics:
            if store.spec.metric == "cosine":
                await assert_refused(
                    store, InvalidRecord, lambda s=store: s.upsert([record("a", zero)])
                )
                await assert_raises(InvalidRecord, lambda s=store: s.search(zero))
                tiny = np.full(DIMENSIONS, 1e-30, np.float32)
                await assert_raises(InvalidRecord, lambda s=store, t=tiny: s.search(t))
            else:
                await store.upsert([record("zero", zero), record("x")])
                hits = await store.search(zero, exact=True)
                assert sorted(hit.id for hit in hits) == ["x", "zero"]

    async def test_ids_outside_the_domain(self, vectors: VectorStore) -> None:
        """Empty ids, NUL, lone surrogates, what is no text, 513 bytes: refused everywhere."""
        await vectors.upsert([record("a", n=1)])
        for id_ in ("", *REFUSED_TEXTS, 1, None, b"a", ("a",)):
            for use in uses_of(vectors, id_):
                await assert_raises(InvalidRecord, use, about=id_)
        for id_ in TOO_LONG_KEYS:
            for use in uses_of(vectors, id_):
                await assert_raises(LimitExceeded, use)
        stored = await vectors.get("a")
        assert stored is not None
        assert stored.metadata == {"n": 1}
        assert await vectors.count() == 1

    async def test_metadata_outside_the_domain(self, vectors: VectorStore) -> None:
        """Metadata that not every engine can hold is refused with the whole batch."""
        await vectors.upsert([record("a", n=1)])
        bad: list[Any] = [*refused_objects(), 1, "a", [], b"{}"]
        for metadata in bad:
            await assert_raises(
                InvalidRecord,
                lambda m=metadata: vectors.upsert(
                    [record("b"), VectorRecord("a", unit(0), None, m)]
                ),
                about=repr(metadata)[:80],
            )
        assert await vectors.count() == 1
        for text in (1, b"a", ["a"]):
            wrong: Any = text
            await assert_raises(
                InvalidRecord,
                lambda t=wrong: vectors.upsert([VectorRecord("a", unit(0), t)]),
            )

    async def test_columns_of_differing_length(self, vectors: VectorStore) -> None:
        """Columns have to be equally long."""
        two = [unit(0), unit(1)]
        uneven: tuple[dict[str, Any], ...] = (
            {"ids": ["a"], "vectors": two},
            {"ids": ["a", "b", "c"], "vectors": two},
            {"ids": ["a", "b"], "vectors": two, "texts": ["x"]},
            {"ids": ["a", "b"], "vectors": two, "metadata": [{}, {}, {}]},
            {"ids": "ab", "vectors": two},
        )
        for arguments in uneven:
            await assert_refused(
                vectors, InvalidRecord, lambda a=arguments: vectors.upsert_arrays(**a)
            )

    async def test_senseless_searches(self, vectors: VectorStore) -> None:
        """k, ef and probes of less than one, and filters without meaning, are refused."""
        await vectors.upsert([record("a")])
        senseless: tuple[dict[str, Any], ...] = (
            {"k": 0},
            {"k": -1},
            {"ef": 0},
            {"probes": -1},
            {"min_score": NAN},
        )
        for arguments in senseless:
            await assert_raises(
                PolystoreError, lambda a=arguments: vectors.search(unit(0), **a), about=arguments
            )
        for filter_ in ({"n": {"$greater": 1}}, {"n": [1]}, {"n": {"$gt": None}}, {"n": 2**63}):
            for use in (
                lambda f=filter_: vectors.search(unit(0), filter=f),
                lambda f=filter_: vectors.count(f),
                lambda f=filter_: vectors.delete(filter=f),
            ):
                await assert_raises(InvalidFilter, use, about=filter_)
        assert await vectors.count() == 1

    async def test_limits_of_texts_and_metadata(self, vectors: VectorStore) -> None:
        """What is over a declared limit is refused; what is at the limit is kept."""
        limits = (await vectors.capabilities()).limits
        # Both in one record: large values take an engine some time.
        text = None if limits.text_bytes is None else "x" * limits.text_bytes
        size = len('{"v":""}')
        value = "" if limits.value_bytes is None else "x" * (limits.value_bytes - size)
        await vectors.upsert([VectorRecord("a", unit(0), text, {"v": value})])
        if text is not None:
            longer = VectorRecord("a", unit(0), text + "x")
            await assert_raises(LimitExceeded, lambda: vectors.upsert([longer]))
        if limits.value_bytes is not None:
            larger = record("a", v=value + "x")
            await assert_raises(LimitExceeded, lambda: vectors.upsert([larger]))
        stored = await vectors.get("a")
        assert stored is not None
        assert stored.text == text
        assert stored.metadata == {"v": value}
        await vectors.clear()
