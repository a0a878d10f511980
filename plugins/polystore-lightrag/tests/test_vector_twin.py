"""The vector storage beside LightRAG's own, with generated operations."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from lightrag.utils import compute_mdhash_id
from lightrag_models import DIMENSIONS, embed, embedding

from .twins import META, dice, twins

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from .twins import Twins

WORDS = ["harbour", "ship", "tea", "coffee", "map", "letter", "archive", "river", "port", "yard"]
NAMES = [f"Name {n}" for n in range(9)]


def record(rng: random.Random, namespace: str) -> tuple[str, dict[str, Any]]:
    one, other = rng.sample(NAMES, 2)
    ids = {
        "entities": compute_mdhash_id(one, prefix="ent-"),
        "relationships": compute_mdhash_id(one + other, prefix="rel-"),
        "chunks": compute_mdhash_id(one, prefix="chunk-"),
    }
    fields = {
        "entity_name": one,
        "src_id": one,
        "tgt_id": other,
        "source_id": "c1<SEP>c2",
        "full_doc_id": f"doc-{rng.randrange(3)}",
        "file_path": "a.txt",
        "content": " ".join(rng.choices(WORDS, k=rng.randint(2, 9))),
    }
    return ids[namespace], {name: fields[name] for name in META[namespace]}


def fields_of(rows: Any, namespace: str) -> Any:
    """Leave out what each adds under names of its own."""
    if isinstance(rows, list):
        return [fields_of(row, namespace) for row in rows]  # pyright: ignore[reportUnknownVariableType]
    if rows is None:
        return None
    assert isinstance(rows["created_at"], int)
    return {name: rows[name] for name in (*META[namespace], "id")}


async def compare(pair: Twins, rng: random.Random, ids: list[str], namespace: str) -> None:
    some = rng.sample(ids, min(len(ids), 5))
    ours, own = await pair.both("get_by_ids", [*some, "absent"])
    assert fields_of(ours, namespace) == fields_of(own, namespace)
    for id_ in some:
        ours, own = await pair.both("get_by_id", id_)
        assert fields_of(ours, namespace) == fields_of(own, namespace)
    ours, own = await pair.both("get_vectors_by_ids", [*some, "absent"])
    assert ours.keys() == own.keys()
    for id_, vector in ours.items():
        # LightRAG's own gives back half precision.
        assert np.allclose(vector, own[id_], atol=1e-3)


async def compare_queries(pair: Twins, rng: random.Random, namespace: str) -> None:
    for k in (1, 3, 50):
        text = " ".join(rng.choices(WORDS, k=3))
        vector = (await embed([text]))[0]
        given = rng.choice([{}, {"query_embedding": vector}])
        ours, own = await pair.both("query", text, k, **given)
        assert len(ours) == len(own)
        scores = [hit["distance"] for hit in ours]
        assert np.allclose(scores, [hit["distance"] for hit in own], atol=1e-5)
        assert scores == sorted(scores, reverse=True)
        # Of equally near ones, either may be the last of k.
        clear = {hit["id"] for hit in ours if hit["distance"] > scores[-1] + 1e-5}
        assert clear <= {hit["id"] for hit in own}
        if k == 50:
            by_id = {hit["id"]: fields_of(hit, namespace) for hit in own}
            assert {hit["id"]: fields_of(hit, namespace) for hit in ours} == by_id


@pytest.mark.parametrize("namespace", META)
async def test_the_same_answers(
    vector_config: dict[str, Any], tmp_path: Path, namespace: str
) -> None:
    rng = dice(namespace)
    ids: list[str] = ["nothing yet"]
    async with twins("vector_storage", namespace, vector_config, tmp_path) as pair:
        await compare_queries(pair, rng, namespace)
        for _ in range(40):
            match rng.randrange(8):
                case 0 | 1 | 2:
                    rows = dict(record(rng, namespace) for _ in range(rng.randint(1, 7)))
                    ids = sorted({*ids, *rows})
                    await pair.both("upsert", rows)
                case 3:
                    await pair.both("delete", rng.sample(ids, 1))
                case 4:
                    # LightRAG applies these to what is committed and to what waits.
                    await pair.both("delete_entity", rng.choice(NAMES))
                    await pair.both("delete_entity_relation", rng.choice(NAMES))
                case 5:
                    await pair.both("drop_pending_index_ops")
                case _:
                    await pair.both("index_done_callback")
                    await compare_queries(pair, rng, namespace)
            await compare(pair, rng, ids, namespace)
        await pair.same("drop")
        await compare(pair, rng, ids, namespace)
        await compare_queries(pair, rng, namespace)


async def test_texts_are_embedded_in_batches_at_the_end(
    vector_config: dict[str, Any], tmp_path: Path
) -> None:
    asked: list[int] = []

    async def counting(texts: list[str], **_: Any) -> Any:
        asked.append(len(texts))
        await asyncio.sleep(0)
        return await embed(texts)

    function = embedding()
    function.func = counting
    async with twins(
        "vector_storage", "chunks", vector_config, tmp_path, embedding_func=function
    ) as pair:
        for n in range(10):
            await pair.ours.upsert({f"c{n}": {"content": f"tea {n}", "full_doc_id": "d"}})
        assert asked == []
        await pair.ours.index_done_callback()
        assert asked == [4, 4, 2]
        await pair.ours.index_done_callback()
        assert asked == [4, 4, 2]


async def test_what_could_not_be_embedded_is_kept(
    vector_config: dict[str, Any], tmp_path: Path
) -> None:
    trouble = [RuntimeError("the model is away")]

    async def moody(texts: list[str], **_: Any) -> Any:
        if trouble:
            raise trouble.pop()
        return await embed(texts)

    function = embedding()
    function.func = moody
    async with twins(
        "vector_storage", "chunks", vector_config, tmp_path, embedding_func=function
    ) as pair:
        await pair.ours.upsert({"c": {"content": "tea", "full_doc_id": "d"}})
        with pytest.raises(RuntimeError, match="the model is away"):
            await pair.ours.index_done_callback()
        assert (await pair.ours.get_by_id("c"))["content"] == "tea"
        await pair.ours.index_done_callback()
        assert [hit["id"] for hit in await pair.ours.query("tea", 5)] == ["c"]


async def test_unknown_fields_and_long_ids_are_kept(
    vector_config: dict[str, Any], tmp_path: Path
) -> None:
    id_ = "块" * 300
    row: dict[str, Any] = {
        "content": "tea",
        "full_doc_id": "d",
        "page_idx": 3,
        "is_multimodal": True,
        "x": [{}],
    }
    async with twins("vector_storage", "chunks", vector_config, tmp_path) as pair:
        await pair.ours.upsert({id_: row})
        await pair.ours.index_done_callback()
        found = await pair.ours.get_by_id(id_)
        assert {name: found[name] for name in row} == row
        assert found["id"] == id_
        assert (await pair.ours.query("tea", 1))[0]["id"] == id_
        assert list(await pair.ours.get_vectors_by_ids([id_])) == [id_]
        assert len((await pair.ours.get_vectors_by_ids([id_]))[id_]) == DIMENSIONS
        await pair.ours.delete([id_])
        await pair.ours.index_done_callback()
        assert await pair.ours.get_by_id(id_) is None
