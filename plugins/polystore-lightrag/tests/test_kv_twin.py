"""The key-value storage beside LightRAG's own, with generated operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .twins import dice, twins

if TYPE_CHECKING:
    import random
    from pathlib import Path

KEYS = [f"chunk-{n}" for n in range(12)] + [
    "Ada<SEP>Karl",
    "default:extract:0f",
    "键" * 200,
    "ä/b%",
]
NAMESPACES = ["full_docs", "text_chunks", "llm_response_cache", "relation_chunks", "parse_cache"]


def value(rng: random.Random) -> dict[str, Any]:
    chosen: dict[str, Any] = {
        "content": "text " * rng.randrange(4),
        "tokens": rng.randrange(9),
        "unknown": {"deep": [1, None, {"x": 2.5}], "é": True},
        "llm_cache_list": [f"c{n}" for n in range(rng.randrange(3))],
        "chunk_ids": ["a", "b"],
    }
    return {name: chosen[name] for name in rng.sample(sorted(chosen), rng.randint(1, 5))}


def without_times(rows: Any) -> Any:
    if isinstance(rows, list):
        return [without_times(row) for row in rows]  # pyright: ignore[reportUnknownVariableType]
    if rows is None:
        return None
    assert {"create_time", "update_time", "_id"} <= set(rows)
    return {name: part for name, part in rows.items() if name not in {"create_time", "update_time"}}


@pytest.mark.parametrize("namespace", NAMESPACES)
async def test_the_same_answers(kv_config: dict[str, Any], tmp_path: Path, namespace: str) -> None:
    rng = dice(namespace)
    async with twins("kv_storage", namespace, kv_config, tmp_path) as pair:
        assert await pair.same("is_empty")
        for _ in range(60):
            some = rng.sample(KEYS, rng.randint(1, 6))
            match rng.randrange(5):
                case 0 | 1:
                    await pair.both("upsert", {key: value(rng) for key in some})
                case 2:
                    await pair.both("delete", some[:2])
                case 3:
                    await pair.same("filter_keys", {*some})
                case _:
                    ours, own = await pair.both("get_by_ids", some)
                    assert without_times(ours) == without_times(own)
            ours, own = await pair.both("get_by_id", some[0])
            assert without_times(ours) == without_times(own)
            assert await pair.ours.get_by_id_strict(some[0]) == ours
            await pair.same("is_empty")
        assert await pair.ours.drop() == {"status": "success", "message": "data dropped"}
        assert await pair.ours.is_empty()
        assert await pair.ours.filter_keys({*KEYS}) == {*KEYS}


async def test_namespaces_that_share_a_store_never_mix(
    kv_config: dict[str, Any], tmp_path: Path
) -> None:
    names = ["parse_cache", "parse", "parse_cache/x", "multimodal_status"]
    for name in names:
        async with twins("kv_storage", name.replace("/", "%2F"), kv_config, tmp_path) as pair:
            assert await pair.ours.is_empty()
            await pair.ours.upsert({"x/1": {"of": name}, "1": {"of": name}})
    async with twins("kv_storage", "parse_cache", kv_config, tmp_path) as pair:
        await pair.ours.drop()
        assert await pair.ours.is_empty()
    for name in [*names[1:]]:
        async with twins("kv_storage", name.replace("/", "%2F"), kv_config, tmp_path) as pair:
            found = await pair.ours.get_by_ids(["1", "x/1"])
            assert [row["of"] for row in found] == [name, name]


async def test_it_keeps_when_it_was_written(kv_config: dict[str, Any], tmp_path: Path) -> None:
    async with twins("kv_storage", "full_docs", kv_config, tmp_path) as pair:
        await pair.ours.upsert({"d": {"content": "one"}})
        first = await pair.ours.get_by_id("d")
        await pair.ours.upsert({"d": {**first, "content": "two"}})
        second = await pair.ours.get_by_id("d")
        assert second["create_time"] == first["create_time"]
        assert second["update_time"] >= first["update_time"] > 1_600_000_000
        assert second["content"] == "two"
