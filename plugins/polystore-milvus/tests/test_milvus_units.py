"""The parts that need no server: expressions, facts, births, locks, nearness, requests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore.filters import F
from polystore.types.batches import VectorBatch
from polystore_milvus import wire
from polystore_milvus.births import Births
from polystore_milvus.errors import Translator
from polystore_milvus.expressions import joined, literal, starting_with, successor
from polystore_milvus.filters import compile_filter as compile_declared
from polystore_milvus.locks import RowLocks
from polystore_milvus.metadata import EXPANSION, FILLING, encode_key, facts_of, token
from polystore_milvus.names import key_prefix
from polystore_milvus.nearness import Best, from_engine
from polystore_milvus.rows import Clock, Stamps, upsert_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.filters import Filter

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
short = texts.filter(lambda text: len(text) < 30)
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | short


def unquoted(quoted: str) -> str:
    """Read a literal as Milvus does."""
    assert quoted[0] == quoted[-1] == '"'
    escapes = {"n": "\n", "r": "\r", "t": "\t"}
    read, inner = "", iter(quoted[1:-1])
    for character in inner:
        assert character != '"'
        following = next(inner) if character == "\\" else None
        read += character if following is None else escapes.get(following, following)
    return read


@given(texts)
def test_a_literal_is_its_text_and_ends_where_it_ends(text: str) -> None:
    assert unquoted(literal(text)) == text
    assert "\n" not in literal(text)


@given(texts, texts)
def test_starts_with_is_a_range(prefix: str, text: str) -> None:
    end = successor(prefix)
    within = text >= prefix and (end is None or text < end)
    assert within is text.startswith(prefix)
    assert starting_with("x", prefix).startswith(f"x >= {literal(prefix)}")


def test_the_last_character_has_no_successor() -> None:
    assert successor("\U0010ffff") is None
    assert successor("a\U0010ffff") == "b"
    assert successor("\ud7ff") == "\ue000"


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=50))
def test_joining_keeps_order_and_nests_little(conditions: list[str]) -> None:
    text = joined("or", conditions)
    assert text.replace("(", "").replace(")", "").split(" or ") == conditions
    depth = deepest = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    assert depth == 0
    assert deepest <= len(conditions).bit_length()


@given(scalars, scalars)
def test_tokens_are_equal_where_values_are(one: Any, other: Any) -> None:
    same_kind = type(one) is type(other) or (
        not isinstance(one, bool)
        and not isinstance(other, bool)
        and isinstance(one, int | float)
        and isinstance(other, int | float)
    )
    assert (token(one) == token(other)) is (same_kind and one == other)


@given(numbers, numbers)
def test_tokens_of_numbers_sort_as_they_do(one: float, other: float) -> None:
    assert (token(one) < token(other)) is (one < other)


@given(st.lists(short, unique=True, max_size=20))
def test_encoded_keys_are_distinct_and_mean_nothing(keys: list[str]) -> None:
    encoded = [encode_key(key) for key in keys]
    assert len(set(encoded)) == len(keys)
    for key in encoded:
        assert not set(key) & set("\"'\\[]()%{} \n\r\t=<>")


metadata = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(short, inner, max_size=4)
)


@given(st.dictionaries(short, metadata, max_size=4))
def test_facts_fit_where_metadata_is_not_too_large(value: dict[str, Any]) -> None:
    import orjson

    from polystore.types.json_domain import encode_json

    text = encode_json(value, what="it")
    assert len(orjson.dumps(facts_of(value))) <= EXPANSION * len(text) + FILLING


def compile_filter(filter_: Filter) -> str | bool:
    return compile_declared(filter_, {})


def test_constant_filters_need_no_server() -> None:
    never, always = F("a").is_in([]), ~F("a").is_in([])
    assert compile_filter(never) is False
    assert compile_filter(always) is True
    assert compile_filter(never & (F("b") == 1)) is False
    assert compile_filter(always | (F("b") == 1)) is True
    assert compile_filter(F.meta("expires_at").exists()) is False
    assert compile_filter(F.meta("version") > 2**63 - 1) is False
    assert compile_filter(F.meta("version") >= -1) is True


def test_values_stay_within_their_literals() -> None:
    evil = '" or 1 == 1 or facts["x"] == "'
    for made in (
        compile_filter(F("a") == evil),
        compile_filter(F("a").is_in([evil, "b"])),
        compile_filter(F("a").contains(evil)),
        compile_filter(F("a").starts_with(evil)),
        compile_filter(F.meta("id") == evil),
        compile_filter(F(evil, evil) == 1),
    ):
        assert isinstance(made, str)
        assert evil not in made


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)


@given(names, names, names, names)
def test_keys_of_different_rows_differ(one: str, id_: str, other: str, another: str) -> None:
    same = key_prefix(one) + id_ == key_prefix(other) + another
    assert same is ((one, id_) == (other, another))
    assert one == other or not key_prefix(one).startswith(key_prefix(other))


def test_births_are_remembered_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("polystore_milvus.births.time.monotonic", lambda: now)
    births = Births()
    births.note({"a": 1, "b": 1}, 10)
    now = 101.0
    births.note({"b": 1, "c": 7}, 20)
    births.note({"a": None}, 15)
    assert births.known(["a", "b", "c", "d"]) == {"a": None, "b": 1, "c": 7}
    assert births.settled == 1, "nothing was forgotten"
    now = 102.5
    assert births.known(["a", "b", "c"]) == {"a": None, "b": 1, "c": 7}
    assert births.settled == 10, "what a read has to see of the forgotten"
    now = 104.0
    assert births.known(["a", "b", "c"]) == {}
    assert births.settled == 20


def test_who_was_cut_off_is_doubted_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("polystore_milvus.births.time.monotonic", lambda: now)
    births = Births()
    births.doubt(["a", "b"])
    assert not births.is_sure(["x", "a"])
    assert births.is_sure(["x"])
    now = 101.5
    births.doubt(["a"])
    now = 103.0
    assert births.is_sure(["b"])
    assert not births.is_sure(["a"])
    now = 104.0
    assert births.is_sure(["a", "b"])


async def test_rows_are_locked_all_at_once_or_not_at_all() -> None:
    locks = RowLocks()
    running: set[str] = set()
    order: list[Sequence[str]] = []

    async def work(keys: Sequence[str]) -> None:
        async with locks.hold(keys):
            assert not running & set(keys)
            running.update(keys)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            running.difference_update(keys)
            order.append(keys)

    groups = [["a", "b"], ["b", "a"], ["c"], ["a", "a", "c"], ["b"], []]
    async with asyncio.timeout(10):
        await asyncio.gather(*(work(keys) for keys in groups * 5))
    assert len(order) == 30


async def test_who_gives_up_waiting_holds_up_nobody() -> None:
    locks = RowLocks()

    async def wait() -> None:
        async with locks.hold(["a"]):
            pass

    async with locks.hold(["a"]):
        waiting = [asyncio.create_task(wait()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in done] == [asyncio.CancelledError, type(None), type(None)]

    async def fail() -> None:
        async with locks.hold(["a"]):
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await fail()
    await wait()


def test_the_clock_only_rises() -> None:
    clock = Clock()
    ticks = [clock.tick() for _ in range(10_000)]
    assert ticks == sorted(set(ticks))


@given(st.integers(1, 12), st.sampled_from(["cosine", "ip", "l2"]))
def test_the_best_of_pages_are_the_best_of_all(k: int, metric: Any) -> None:
    rng = np.random.default_rng(k)
    vectors = rng.integers(1, 3, (40, 3)).astype(np.float32)
    ids = [f"{n:02}" for n in range(40)]
    query = np.array([1, 2, 1], np.float32)
    whole, paged = (Best(query, k, metric, None) for _ in range(2))
    whole.add(ids, vectors)
    for start in range(0, 40, 7):
        paged.add(ids[start : start + 7], vectors[start : start + 7])
    assert paged.found() == whole.found()
    assert paged.found() == sorted(paged.found(), key=lambda pair: (-pair[1], pair[0]))
    floor = whole.found()[-1][1]
    bounded = Best(query, 40, metric, floor)
    bounded.add(ids, vectors)
    assert all(score >= floor for _, score in bounded.found())


def test_scores_of_the_engine() -> None:
    given = np.array([0.0, 4.0, -1e-9])
    assert from_engine(given, "l2").tolist() == pytest.approx([1.0, 1 / 3, 1.0])
    assert from_engine(np.array([1.0000001, -1.5]), "cosine").tolist() == [1.0, -1.0]
    assert from_engine(np.array([7.0]), "ip").tolist() == [7.0]


def test_a_request_has_a_column_for_each_field() -> None:
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    batch = VectorBatch(
        ["a", "b", "c"], vectors, ["t", None, ""], [{}, {"n": 1}, {}], [b"{}", b'{"n":1}', b"{}"]
    )
    keys = ["1:wb", "1:wc"]
    stamps = [Stamps(9, 5, 9), Stamps(9, 9, 9)]
    request = upsert_request("name", "w", batch, range(1, 3), {}, keys, stamps)
    columns = wire.columns_of([f for f in request.fields_data if f.field_name != "facts"])
    assert list(columns["pk"]) == keys
    assert columns["vector"].tolist() == [[2.0, 3.0], [4.0, 5.0]]
    assert list(columns["text"]) == ["\x00", ""]
    assert list(columns["created_at"]) == [5, 9]
    assert list(columns["version"]) == [9, 9]


def test_errors_hide_secrets_and_say_what_to_do() -> None:
    translator = Translator("main", ("root:s3cret", "s3cret"))
    for code in (1, 5, 8, 100, 101, 700, 800, 1100, 1400, 65535, 424242):
        error = translator.from_status(code, "about root:s3cret and s3cret\nat main.go:1")
        assert "s3cret" not in f"{error}{error!r}"
        assert "main.go" not in str(error)
        assert error.hint
        assert error.backend == "main"
    assert translator.from_status(8, "rate").retryable
    assert not translator.from_status(1400, "denied").retryable
