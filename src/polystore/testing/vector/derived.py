"""A driver's own way of counting and deleting equals the derived one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from typing_extensions import override

from polystore.filters import F
from polystore.stores.vector_driver import VectorDriver
from polystore.testing.checks import asking, fresh_workspace
from polystore.testing.vector.base import VectorTests, record
from polystore.types.call import Call

if TYPE_CHECKING:
    from polystore.client import Polystore
    from polystore.filters import Filter
    from polystore.stores.queries import SearchQuery
    from polystore.stores.vector import VectorStore
    from polystore.types.batches import VectorBatch
    from polystore.types.records import Hits, Page, VectorRecord

FILTERS: Final[tuple[Filter, ...]] = (
    F("n") == 1,
    F("n") != 1,
    F("n").is_in([0, 2, "1"]),
    ~F("n").exists(),
    (F("flag") == True) & F("n").exists(),  # noqa: E712 - builds a filter
    F("nobody") == 1,
)
ROWS: Final = 24


class Derived(VectorDriver):
    """Has the hooks of another driver, and derives the rest.

    Args:
        driver: Whose hooks.
    """

    def __init__(self, driver: VectorDriver) -> None:
        self._driver = driver
        self.capabilities = driver.capabilities

    @override
    async def upsert(self, call: Call, batch: VectorBatch) -> None:
        await self._driver.upsert(call, batch)

    @override
    async def get_many(
        self, call: Call, ids: list[str], *, with_vectors: bool
    ) -> list[VectorRecord | None]:
        return await self._driver.get_many(call, ids, with_vectors=with_vectors)

    @override
    async def search(self, call: Call, query: SearchQuery) -> list[Hits]:
        return await self._driver.search(call, query)

    @override
    async def delete_many(self, call: Call, ids: list[str]) -> int:
        return await self._driver.delete_many(call, ids)

    @override
    async def patch_metadata(
        self, call: Call, ids: list[str], patches: list[dict[str, Any]]
    ) -> list[bool]:
        return await self._driver.patch_metadata(call, ids, patches)

    @override
    async def scan_page(
        self,
        call: Call,
        filter_: Filter | None,
        cursor: str | None,
        limit: int,
        *,
        with_vectors: bool,
    ) -> Page[VectorRecord]:
        return await self._driver.scan_page(call, filter_, cursor, limit, with_vectors=with_vectors)

    @override
    async def count(self, call: Call) -> int:
        return await self._driver.count(call)

    @override
    async def clear(self, call: Call) -> int:
        return await self._driver.clear(call)


async def fill(vectors: VectorStore) -> None:
    """Store records whose metadata have numbers of several kinds, and none."""
    numbers: list[Any] = [0, 1, 1.0, True, "1", 2, None]
    rows = [record(f"r{n}", n=numbers[n % len(numbers)], flag=n % 2 == 0) for n in range(ROWS)]
    await vectors.upsert([*rows, record("without")])


class VectorDerived(VectorTests):
    """Overrides."""

    @asking("eq", "ne", "in", "not", "exists", "and")
    async def test_overrides_equal_the_derived_ones(
        self, vectors: VectorStore, client: Polystore
    ) -> None:
        """count_where and delete_where do what they would if they were derived from scans."""
        for filter_ in FILTERS:
            one, other = (client.workspace(fresh_workspace()) for _ in range(2))
            await fill(one.vector(vectors.name))
            await fill(other.vector(vectors.name))
            driver = await one.runtime.bound("vector", vectors.name).ready()
            assert isinstance(driver, VectorDriver)
            derived = Derived(driver)
            counted = await driver.count_where(Call(one.name), filter_)
            assert counted == await derived.count_where(Call(one.name), filter_), filter_
            assert await driver.delete_where(Call(one.name), filter_) == counted, filter_
            assert await derived.delete_where(Call(other.name), filter_) == counted, filter_
            left = {r.id async for r in one.vector(vectors.name).scan()}
            assert left == {r.id async for r in other.vector(vectors.name).scan()}, filter_
