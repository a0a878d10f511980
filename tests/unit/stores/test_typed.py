"""Stores whose documents and metadata are pydantic models."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AliasChoices, BaseModel, Field, RootModel, field_serializer, field_validator
from pydantic_core import PydanticCustomError
from unit.stores.models import (
    FULL,
    SECRET,
    STORES,
    Anything,
    Author,
    Book,
    Hidden,
    Open,
    Paper,
    Rank,
    Shown,
    Status,
    Strict,
    Talk,
    paper,
)

import polystore
from polystore import F
from polystore.errors import ConfigError, Conflict, InvalidRecord, SchemaMismatch
from polystore.stores.typed import to_data, to_model
from polystore.types.json_domain import decode_json, encode_json

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from polystore import Polystore


@pytest.fixture
async def ps() -> AsyncGenerator[Polystore]:
    config: dict[str, Any] = {"backends": {"main": {"use": "memory"}}, "stores": STORES}
    async with polystore.open(config) as client:
        yield client


@pytest.mark.parametrize("written", [paper(), FULL], ids=["defaults", "everything"])
async def test_a_model_comes_back_as_it_was(ps: Polystore, written: Paper) -> None:
    papers = ps.doc("papers", model=Paper)
    await papers.put("a", written)
    assert await papers.get("a") == written
    document = await papers.get_document("a")
    assert document is not None
    assert (document.id, document.data) == ("a", written)
    assert document.version > 0
    assert document.created_at == document.updated_at is not None
    assert await papers.get("absent") is None
    assert await papers.get_document("absent") is None


async def test_it_is_stored_by_alias_and_as_json_that_sorts(ps: Polystore) -> None:
    await ps.doc("papers", model=Paper).put("a", FULL)
    stored = await ps.doc("papers").get("a")
    assert stored is not None
    assert sorted(stored.pop("labels")) == ["x", "y"]
    assert stored == {
        "title": "Paper 3",
        "publishedAt": "2024-01-04T03:00:00.000000Z",
        "status": "published",
        "rank": 9,
        "price": "1.50",
        "key": "00000000-0000-0000-0000-000000000003",
        "day": "2024-05-01",
        "authors": [{"name": "Ada", "born": "1815-12-10"}, {"name": "anon", "born": None}],
        "pair": [1, "one"],
        "by_day": {"2024-05-01": 1},
        "by_number": {"7": "2024-01-01T00:00:00.000000Z"},
        "form": {"kind": "talk", "length": "PT3M"},
        "note": "\U0001f600 'quoted'",
    }


# Offsets have been whole minutes since then (pydantic reads no seconds in them); and no time zone
# moves the last one out of the years that there are.
EARLIEST, LATEST = datetime(1973, 1, 1), datetime.max - timedelta(2)  # noqa: DTZ001, DTZ901


@given(
    at=st.none()
    | st.datetimes(
        EARLIEST,
        LATEST,
        timezones=st.timezones(),
    ),
    count=st.integers(0, 2**63 - 1),
    price=st.decimals(allow_nan=False, allow_infinity=False),
    status=st.sampled_from(Status),
)
def test_strict_models_read_what_they_write(
    at: datetime | None, count: int, price: Decimal, status: Status
) -> None:
    written = Strict(count=count, at=at, status=status, price=price)
    text = encode_json(to_data(Strict, written, what="it"))
    # In UTC: a time in the hour that a zone leaves out equals none of another zone.
    instant = None if at is None else at.astimezone(UTC)
    expected = written.model_copy(update={"at": instant})
    assert to_model(Strict, decode_json(text), what="it") == expected


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_extra_fields_that_are_allowed_are_kept(fields: dict[str, Any]) -> None:
    written = Open.model_validate({**fields, "name": "n"})
    text = encode_json(to_data(Open, written, what="it"))
    assert to_model(Open, decode_json(text), what="it") == written


async def test_filters_and_sorts_name_fields_by_alias(ps: Polystore) -> None:
    papers = ps.doc("papers", model=Paper)
    await papers.put_many({f"p{n}": paper(n, rank=Rank.HIGH if n % 2 else 1) for n in range(6)})
    page = await papers.find(sort="-publishedAt", limit=4, total=True)
    assert [document.data.title for document in page.items] == [f"Paper {n}" for n in (5, 4, 3, 2)]
    rest = await papers.find(sort="-publishedAt", limit=4, cursor=page.cursor)
    assert ([document.id for document in rest.items], rest.cursor) == (["p1", "p0"], None)
    assert page.total == 6
    since = datetime(2024, 1, 4, tzinfo=UTC)
    scanned = [
        d.id async for d in papers.scan(F("publishedAt") >= since, sort="publishedAt", batch=1)
    ]
    assert scanned == ["p3", "p4", "p5"]
    assert await papers.count({"rank": 9}) == 3
    assert [(c.value, c.count) for c in await papers.count_by("rank")] == [(1, 3), (9, 3)]
    assert [d and d.id for d in await papers.get_many(["p1", "x", "p1"])] == ["p1", None, "p1"]
    assert await papers.delete(filter=F("rank") == 9) == 3
    assert await papers.delete(["p0", "x"]) == 1


async def test_what_does_not_fit_is_refused_before_anything_is_written(ps: Polystore) -> None:
    papers = ps.doc("papers", model=Paper)
    broken = paper()
    broken.price = SECRET  # pyright: ignore[reportAttributeAccessIssue] - as untyped callers may
    broken.authors = [Author.model_construct(name=[SECRET])]
    for call in (
        papers.put("b", broken),
        papers.put_many([("a", paper()), ("b", broken)]),
        papers.put_if_absent("b", broken),
        papers.compare_and_set("b", broken, 0),
    ):
        with pytest.raises(InvalidRecord, match=r"document 'b'.*price.*authors\.0\.name") as info:
            await call
        assert SECRET not in f"{info.value} {info.value!r} {info.value.__cause__}"
    assert await papers.count() == 0


async def test_something_else_than_the_model_is_refused(ps: Polystore) -> None:
    papers: Any = ps.doc("papers", model=Paper)
    for value in ({"title": SECRET}, Author(name=SECRET), None, SECRET):
        with pytest.raises(InvalidRecord, match=r"document 'a' is of type .*, not Paper") as info:
            await papers.put("a", value)
        assert SECRET not in str(info.value)
    with pytest.raises(InvalidRecord, match="object"):
        await ps.doc("papers", model=RootModel[list[int]]).put("a", RootModel[list[int]]([1]))
    await ps.doc("papers", model=RootModel[dict[int, int]]).put(
        "a", RootModel[dict[int, int]]({1: 2})
    )
    assert await ps.doc("papers").get("a") == {"1": 2}


class Told(BaseModel):
    """Its own checks say what they were given."""

    one: str = ""
    two: str = ""
    three: UUID | None = None
    four: Book | Talk | None = Field(None, discriminator="kind")
    five: int = 0

    @field_validator("one")
    @classmethod
    def _one(cls, value: str) -> str:
        if value:
            raise ValueError(f"not {value}")
        return value

    @field_validator("two")
    @classmethod
    def _two(cls, value: str) -> str:
        if value:
            raise PydanticCustomError("no_two", "not {it}", {"it": value})
        return value


async def test_messages_of_validators_do_not_give_values_away(ps: Polystore) -> None:
    told = ps.doc("papers", model=Told)
    wrong: dict[str, Any] = dict.fromkeys(("one", "two", "three", "five"), SECRET)
    wrong["four"] = {"kind": SECRET}
    with pytest.raises(InvalidRecord) as refused:
        await told.put("a", Told.model_construct(**wrong))
    await ps.doc("papers").put("a", wrong)
    with pytest.raises(SchemaMismatch) as mismatch:
        await told.get("a")
    for error in (refused.value, mismatch.value):
        assert SECRET not in f"{error} {error!r}"
        for name in ("one: value error", "two: no two", "three", "four: union tag", "five: Input"):
            assert name in str(error)


async def test_long_lists_of_problems_are_cut(ps: Polystore) -> None:
    many = paper().model_copy(update={"authors": [Author.model_construct()] * 1000})
    with pytest.raises(InvalidRecord, match=r"authors\.4\.name: Field required; and 995 more"):
        await ps.doc("papers", model=Paper).put("a", many)


async def test_stored_data_that_does_not_fit_names_its_document(ps: Polystore) -> None:
    await ps.doc("papers").put_many({"good": {"count": 1}, "old": {"count": "many", "x": 1}})
    strict = ps.doc("papers", model=Strict)

    async def scan() -> None:
        assert [document.id async for document in strict.scan() if document.data.count] == ["good"]

    for call in (strict.get("old"), strict.get_many(["good", "old"]), strict.find(), scan()):
        with pytest.raises(SchemaMismatch, match=r"document 'old'.*Strict.*count: .*x: Extra"):
            await call
    assert await strict.get("good") == Strict(count=1)


class Refusing(BaseModel):
    name: str

    @field_serializer("name")
    def _write(self, name: str) -> str:
        raise ValueError(f"not {name}")


async def test_values_that_would_be_lost_are_refused(ps: Polystore) -> None:
    loop: list[Any] = []
    loop.append(loop)
    hidden = Hidden.model_validate({"password": SECRET})
    for model, value in (
        (Hidden, hidden),
        (Anything, Anything(value=object())),
        (Anything, Anything(value={"deep": [b"\xff"]})),
        (Anything, Anything(value=loop)),
    ):
        with pytest.raises(InvalidRecord, match=r"no JSON form: (value|password)"):
            await ps.doc("papers", model=model).put("a", value)
    with pytest.raises(InvalidRecord, match="document 'a' cannot be written: Refusing") as info:
        await ps.doc("papers", model=Refusing).put("a", Refusing(name=SECRET))
    assert SECRET not in str(info.value)
    with pytest.raises(InvalidRecord, match="no time zone"):
        await ps.doc("papers", model=Anything).put("a", Anything(value=datetime(2024, 1, 1)))  # noqa: DTZ001
    assert await ps.doc("papers").count() == 0
    shown = Shown.model_validate({"password": SECRET})
    await ps.doc("papers", model=Shown).put("a", shown)
    assert await ps.doc("papers", model=Shown).get("a") == shown


async def test_a_model_that_cannot_find_its_fields_again_is_refused(ps: Polystore) -> None:
    class Lossy(BaseModel):
        name: str = Field("", serialization_alias="Name")

    class Both(BaseModel):
        name: str = Field(
            "", serialization_alias="Name", validation_alias=AliasChoices("old", "Name")
        )

    class ByName(BaseModel, populate_by_name=True):
        name: str = Field("", validation_alias="Name")

    for kind in (ps.doc, ps.vector):
        with pytest.raises(ConfigError, match=r"Lossy\.name is written as 'Name'"):
            kind("papers" if kind == ps.doc else "chunks", model=Lossy)
    for model in (Both, ByName):
        value = model.model_validate({"Name": "n"})
        await ps.doc("papers", model=model).put("a", value)
        assert await ps.doc("papers", model=model).get("a") == value


async def test_a_patch_is_checked_as_a_whole_before_it_is_written(ps: Polystore) -> None:
    papers = ps.doc("papers", model=Paper)
    await papers.put("a", FULL)
    before = await papers.get_document("a")
    assert before is not None
    for wrong in ({"price": SECRET}, {"title": None}, {"form": {"kind": "book"}}, {"authors": [1]}):
        with pytest.raises(InvalidRecord, match="document 'a' does not fit Paper") as info:
            await papers.patch("a", wrong)
        assert SECRET not in str(info.value)
    assert await papers.get_document("a") == before

    at = datetime(2025, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    changed = await papers.patch(
        "a",
        {"price": Decimal("2.25"), "publishedAt": at, "note": None, "status": Status.DRAFT},
        version=before.version,
    )
    expected = FULL.model_copy(
        update={"price": Decimal("2.25"), "published_at": at, "note": None, "status": Status.DRAFT}
    )
    assert changed is not None
    assert changed.data == expected == await papers.get("a")
    stored = await papers.untyped.get("a")
    assert stored is not None
    assert stored["publishedAt"] == "2024-12-31T23:00:00.000000Z"
    # Text in a form of its own is written in the store's form too.
    await papers.patch("a", {"publishedAt": "2025-01-01T00:00:00+01:00"})
    assert await papers.untyped.get("a") == stored

    with pytest.raises(Conflict, match="does not have version"):
        await papers.patch("a", {"note": "x"}, version=before.version)
    assert await papers.patch("absent", {"note": "x"}) is None


async def test_patches_at_the_same_time_are_all_kept(ps: Polystore) -> None:
    opened = ps.doc("papers", model=Open)
    await opened.put("a", Open(name="n"))
    await asyncio.gather(*(opened.patch("a", {f"f{n}": n}) for n in range(4)))
    assert await opened.untyped.get("a") == {"name": "n", "f0": 0, "f1": 1, "f2": 2, "f3": 3}


async def test_conditional_writes(ps: Polystore) -> None:
    papers = ps.doc("papers", model=Paper)
    assert await papers.put_if_absent("a", paper(1))
    assert not await papers.put_if_absent("a", paper(2))
    document = await papers.get_document("a")
    assert document is not None
    assert await papers.compare_and_set("a", paper(3), document.version) > document.version
    with pytest.raises(Conflict):
        await papers.compare_and_set("a", paper(4), document.version)
    assert await papers.get("a") == paper(3)
