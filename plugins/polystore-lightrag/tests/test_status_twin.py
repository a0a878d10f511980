"""The storage of documents' states beside LightRAG's own, with generated operations."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from lightrag.base import (
    CURSOR_END,
    CURSOR_START,
    CursorAfter,
    DocStatus,
    SourceAbsent,
    SourceConflict,
    SourceUnique,
)
from lightrag.exceptions import (
    SourceConflictRepairCASError,
    StorageControlPlaneError,
    StorageRecordNotFoundError,
)

from polystore.errors import DataCorruption

from .twins import dice, twins

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from .twins import Twins

IDS = [f"doc-{n:02}" for n in range(24)] + ["doc-" + "号" * 200]
FILES = ["b.pdf", "a.pdf", "中文.pdf", "报告.txt", "Zoo.md", "unknown_source", ""]
STATUSES = list(DocStatus)


def row(rng: random.Random, number: int) -> dict[str, Any]:
    status = rng.choice(STATUSES)
    made = f"2026-01-{rng.randint(1, 28):02}T{number % 24:02}:{number // 24:02}:00+00:00"
    found: dict[str, Any] = {
        "content_summary": "what it says",
        "content_length": rng.randrange(1000),
        "file_path": rng.choice(FILES),
        "status": status,
        "created_at": made,
        "updated_at": f"2026-02-{rng.randint(1, 28):02}{made[10:]}",
        "track_id": rng.choice(["t1", "t2"]),
        "content_hash": rng.choice(["h1", "h2", "h3"]),
        "metadata": {},
        "scheme_name": "unknown to LightRAG",
        "multimodal_content": [{"type": "image", "page_idx": 1}],
    }
    if rng.random() < 0.3:
        found["metadata"] = {"is_duplicate": True, "original_doc_id": rng.choice(IDS)}
    if rng.random() < 0.5:
        found |= {"chunks_list": ["c1", "c2"], "chunks_count": 2, "error_msg": None}
    return found


async def sweep(storage: Any, statuses: list[DocStatus], limit: int) -> list[Any]:
    position: Any = CURSOR_START
    found: list[Any] = []
    for _ in range(100):
        page = await storage.get_docs_by_statuses_page(
            statuses, limit=limit, position=position, strict=True
        )
        assert len(page.docs) <= limit
        found += page.docs.items()
        position = page.next_position
        if position is CURSOR_END:
            return found
    raise AssertionError("the sweep does not end")


async def compare(pair: Twins, rng: random.Random) -> None:
    some = rng.sample(IDS, 5)
    await pair.same("get_by_ids", some)
    await pair.same("get_by_id", some[0])
    await pair.same("get_by_id_strict", some[0])
    await pair.same("filter_keys", {*some})
    await pair.same("is_empty")
    await pair.same("get_status_counts")
    await pair.same("get_all_status_counts")
    statuses = rng.sample(STATUSES, 3)
    for chosen in (statuses, []):
        await pair.same("get_docs_by_statuses", chosen, strict=True)
        await pair.same("count_docs_by_statuses", chosen)
        ours, own = [await sweep(one, chosen, rng.randint(1, 7)) for one in (pair.ours, pair.own)]
        assert ours == own
    await pair.same("get_docs_by_ids", some, strict=True)
    await pair.same("get_full_docs_by_ids", some, strict=True)
    for track in ("t1", "t3"):
        await pair.same("get_docs_by_track_id", track)
    await compare_pages(pair, rng, statuses)
    await compare_sources(pair, some)


async def compare_pages(pair: Twins, rng: random.Random, statuses: list[DocStatus]) -> None:
    for field in ("created_at", "updated_at", "id", "file_path", "nonsense"):
        for direction in ("asc", "desc"):
            ours, own = await pair.both(
                "get_docs_paginated",
                status_filters=rng.choice([statuses, None]),
                page=rng.randint(1, 2),
                page_size=10,
                sort_field=field,
                sort_direction=direction,
            )
            assert ours[1] == own[1]
            if field == "file_path":  # ties come in another order
                files = [[doc.file_path for _, doc in found[0]] for found in (ours, own)]
                assert files[0] == files[1]
            else:
                assert ours == own


async def compare_sources(pair: Twins, some: list[str]) -> None:
    for content in ("h1", "h2", "absent", ""):
        for excluded in (None, *some[:3]):
            await pair.same("get_doc_by_content_hash", content, exclude_doc_id=excluded)
    for file in FILES:
        ours, own = await pair.both("get_doc_by_file_basename", file)
        assert (ours is None) == (own is None)
        assert ours is None or ours[1]["file_path"] == file
        ours, own = await pair.both("get_doc_by_file_path", file)
        assert (ours is None) == (own is None)
        ours, own = await pair.both("resolve_doc_source_strict", file)
        assert type(ours) is type(own)
        if isinstance(ours, SourceUnique):
            assert ours == own
        assert isinstance(ours, SourceAbsent | SourceUnique | SourceConflict)
    assert await conflicts(pair.ours) == await conflicts(pair.own)


async def conflicts(storage: Any) -> list[Any]:
    position: Any = CURSOR_START
    listed: list[Any] = []
    while position is not CURSOR_END:
        page = await storage.list_source_conflicts_page(limit=1, position=position)
        listed += page.conflicts
        position = page.next_position
    return listed


@pytest.mark.parametrize("seed", range(2))
async def test_the_same_answers(doc_config: dict[str, Any], tmp_path: Path, seed: int) -> None:
    rng = dice(seed)
    async with twins("doc_status_storage", "doc_status", doc_config, tmp_path) as pair:
        await compare(pair, rng)
        for _ in range(4):
            for _ in range(5):
                numbers = rng.sample(range(len(IDS)), 5)
                match rng.randrange(4):
                    case 0 | 1:
                        await pair.both("upsert", {IDS[n]: row(rng, n) for n in numbers})
                    case 2:
                        await pair.both("delete", [IDS[n] for n in numbers[:2]])
                    case _:
                        fields = {"status": rng.choice(STATUSES), "metadata": {"a": None}}
                        for n in numbers:
                            await pair.both(
                                "update_doc_status_fields", IDS[n], fields, missing_ok=True
                            )
            await compare(pair, rng)
        await repair(pair)
        await compare(pair, rng)
        await pair.same("drop")
        await compare(pair, rng)


async def repair(pair: Twins) -> None:
    """Settle every source that several documents claim."""
    page = await pair.ours.list_source_conflicts_page(limit=50)
    for conflict in page.conflicts:
        primary = conflict.sample_doc_ids[0]
        told = await pair.same(
            "repair_source_conflict",
            conflict.canonical_source_key,
            primary_doc_id=primary,
            expected_candidate_count=0,
            expected_candidate_fingerprint="",
        )
        await pair.same(
            "repair_source_conflict",
            conflict.canonical_source_key,
            primary_doc_id=primary,
            expected_candidate_count=told.candidate_count,
            expected_candidate_fingerprint=told.fingerprint,
            dry_run=False,
        )
    assert (await pair.ours.list_source_conflicts_page(limit=50)).conflicts == ()


async def test_a_repair_that_others_overtook(doc_config: dict[str, Any], tmp_path: Path) -> None:
    rng = dice(0)
    async with twins("doc_status_storage", "doc_status", doc_config, tmp_path) as pair:
        docs = pair.ours
        same: dict[str, Any] = {"file_path": "a.pdf", "metadata": {}}
        await docs.upsert({id_: row(rng, 1) | same for id_ in IDS[:3]})
        with pytest.raises(ValueError, match="does not claim"):
            await docs.repair_source_conflict(
                "a.pdf",
                primary_doc_id="absent",
                expected_candidate_count=3,
                expected_candidate_fingerprint="",
            )
        told = await docs.repair_source_conflict(
            "a.pdf",
            primary_doc_id=IDS[0],
            expected_candidate_count=0,
            expected_candidate_fingerprint="",
        )
        await docs.upsert({IDS[3]: row(rng, 1) | same})
        with pytest.raises(SourceConflictRepairCASError):
            await docs.repair_source_conflict(
                "a.pdf",
                primary_doc_id=IDS[0],
                expected_candidate_count=told.candidate_count,
                expected_candidate_fingerprint=told.fingerprint,
                dry_run=False,
            )
        assert (await docs.resolve_doc_source_strict("a.pdf")).sample_doc_ids


async def test_fields_are_updated_whoever_else_does(
    doc_config: dict[str, Any], tmp_path: Path
) -> None:
    async with twins("doc_status_storage", "doc_status", doc_config, tmp_path) as pair:
        docs = pair.ours
        await docs.upsert({"d": row(dice(1), 1)})
        await asyncio.gather(
            *(docs.update_doc_status_fields("d", {f"field{n}": n}) for n in range(5))
        )
        stored = await docs.get_by_id("d")
        assert {f"field{n}": n for n in range(5)}.items() <= stored.items()
        with pytest.raises(ValueError, match="created_at"):
            await docs.update_doc_status_fields("d", {"created_at": "now"})
        with pytest.raises(StorageRecordNotFoundError):
            await docs.update_doc_status_fields("absent", {"status": "failed"})


async def test_incomplete_rows(doc_config: dict[str, Any], tmp_path: Path) -> None:
    async with twins("doc_status_storage", "doc_status", doc_config, tmp_path) as pair:
        docs = pair.ours
        good = row(dice(1), 1) | {"status": DocStatus.FAILED}
        await docs.upsert({"good": good, "bad": {"status": DocStatus.FAILED}})
        assert list(await docs.get_docs_by_statuses([DocStatus.FAILED])) == ["good"]
        page = await docs.get_docs_by_statuses_page([DocStatus.FAILED], limit=1)
        assert page.docs == {}  # passed over, and the sweep goes on
        assert page.next_position is not CURSOR_END
        page = await docs.get_docs_by_statuses_page(
            [DocStatus.FAILED], limit=1, position=page.next_position
        )
        assert list(page.docs) == ["good"]
        with pytest.raises(DataCorruption, match="'bad'"):
            await docs.get_docs_by_statuses([DocStatus.FAILED], strict=True)
        with pytest.raises(DataCorruption, match="'bad'"):
            await docs.get_docs_by_statuses_page([DocStatus.FAILED], limit=9, strict=True)
        with pytest.raises(DataCorruption, match="'bad'"):
            await docs.get_docs_by_ids(["bad"], strict=True)
        with pytest.raises(StorageControlPlaneError):
            await docs.get_docs_by_statuses_page(
                [DocStatus.FAILED], limit=1, position=CursorAfter("nonsense")
            )
