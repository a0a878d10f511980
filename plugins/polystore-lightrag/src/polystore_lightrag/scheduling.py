"""States of documents: how LightRAG 1.5 sweeps them in pages, and settles whose a source is."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NoReturn

from lightrag.base import (
    CURSOR_END,
    CURSOR_START,
    CursorAfter,
    CursorPosition,
    DocProcessingStatus,
    DocSchedulingRecord,
    DocStatus,
    DocStatusPage,
    SourceAbsent,
    SourceConflict,
    SourceConflictPage,
    SourceConflictRepairResult,
    SourceConflictSummary,
    SourceResolution,
    SourceUnique,
)
from lightrag.constants import CUSTOM_CHUNK_PATCH_METADATA_KEY
from lightrag.exceptions import (
    SourceConflictRepairCASError,
    StorageControlPlaneError,
    StorageRecordNotFoundError,
)
from typing_extensions import override

from polystore.errors import Conflict, DataCorruption, InvalidFilter
from polystore.filters import F
from polystore_lightrag.keys import stored_key
from polystore_lightrag.status import StatusStorage, of_source
from polystore_lightrag.status_rows import (
    NO_FILE,
    UNKNOWN_SOURCE,
    is_duplicate,
    metadata_of,
    name_of,
    own_row,
    processing_status,
    read_each,
    stored_row,
    values_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.types.records import Document

_SAMPLE: Final = 32
_TRIES: Final = 10


class PolystoreDocStatusStorage(StatusStorage):
    """States of documents, with LightRAG 1.5's scheduling."""

    @override
    async def get_docs_by_statuses_page(
        self,
        statuses: list[DocStatus],
        *,
        limit: int,
        position: CursorPosition = CURSOR_START,
        strict: bool = False,
    ) -> DocStatusPage:
        """Return the next page of documents in any of the statuses, by (created_at, id).

        Args:
            statuses: Which.
            limit: Documents per page.
            position: Where the page before ended.
            strict: Raise for a row that lacks a field; else it is logged, and passed over.

        Raises:
            StorageControlPlaneError: The position is none of this sweep.
        """
        _check_limit(limit)
        if not statuses or position is CURSOR_END:
            return DocStatusPage(docs={}, next_position=CURSOR_END)
        cursor = position.opaque if isinstance(position, CursorAfter) else None
        wanted = F("status").is_in(values_of(statuses))
        try:
            page = await self._docs.find(wanted, sort="created_at", limit=limit, cursor=cursor)
        except InvalidFilter as error:
            _refuse_position(error)
        docs = read_each(page.items, _record, strict=strict)
        following = CURSOR_END if page.cursor is None else CursorAfter(page.cursor)
        return DocStatusPage(docs=docs, next_position=following)

    @override
    async def get_docs_by_ids(
        self, doc_ids: Sequence[str], *, strict: bool = False
    ) -> dict[str, DocSchedulingRecord]:
        """Return what scheduling needs of those of the documents that there are."""
        found = await self._docs.get_many(map(stored_key, doc_ids))
        there = [one for one in found if one is not None]
        return read_each(there, _record, strict=strict)

    @override
    async def get_full_docs_by_ids(
        self, doc_ids: Sequence[str], *, strict: bool = False
    ) -> dict[str, DocProcessingStatus]:
        """Return those of the documents that there are."""
        found = await self._docs.get_many(map(stored_key, doc_ids))
        there = [one for one in found if one is not None]
        return read_each(there, processing_status, strict=strict)

    @override
    async def count_docs_by_statuses(
        self, statuses: list[DocStatus], *, strict: bool = True
    ) -> int:
        """Return how many documents are in any of the statuses."""
        if not statuses:
            return 0
        return await self._docs.count(F("status").is_in(values_of(statuses)))

    @override
    async def update_doc_status_fields(
        self, doc_id: str, fields: dict[str, Any], *, missing_ok: bool = False
    ) -> None:
        """Replace some fields of a row, and leave the others alone.

        Raises:
            ValueError: `created_at` is among them, which a sweep goes by.
            StorageRecordNotFoundError: There is no such row.
            Conflict: Others kept changing it meanwhile.
        """
        if "created_at" in fields:
            raise ValueError("created_at cannot be changed: sweeps go by it")
        for attempt in range(_TRIES):
            document = await self._docs.get_document(stored_key(doc_id))
            if document is None:
                if missing_ok:
                    return
                raise StorageRecordNotFoundError(doc_id)
            changed = stored_row(doc_id, {**own_row(document.data), **fields})
            try:
                await self._docs.compare_and_set(document.id, changed, document.version)
            except Conflict:
                if attempt + 1 == _TRIES:
                    raise
            else:
                return

    @override
    async def resolve_doc_source_strict(self, canonical_source_key: str) -> SourceResolution:
        """Return whose a source is: nobody's, one document's, or that of several at odds."""
        found: list[Document] = []
        async for document in self._primaries(canonical_source_key):
            found.append(document)
            if len(found) > 1:
                names = tuple(sorted(map(name_of, found)))
                return SourceConflict(candidate_count=None, sample_doc_ids=names)
        if not found:
            return SourceAbsent()
        name = name_of(found[0])
        return SourceUnique(doc_id=name, doc=_record(name, found[0].data))

    @override
    async def list_source_conflicts_page(
        self, *, limit: int, position: CursorPosition = CURSOR_START
    ) -> SourceConflictPage:
        """Return the next page of sources that several documents claim, in order."""
        _check_limit(limit)
        if position is CURSOR_END:
            return SourceConflictPage(conflicts=(), next_position=CURSOR_END)
        after = position.opaque if isinstance(position, CursorAfter) else None
        marked = F("metadata", "is_duplicate") == True  # noqa: E712
        claimed = {
            found.value: found.count
            for found in await self._docs.count_by("file_path", ~marked)
            if isinstance(found.value, str) and found.count > 1
        }
        sources = sorted(claimed.keys() - {"", UNKNOWN_SOURCE, NO_FILE})
        left = [source for source in sources if after is None or source > after]
        page = [
            SourceConflictSummary(
                canonical_source_key=source,
                candidate_count=claimed[source],
                sample_doc_ids=tuple(await self._claimants(source))[:_SAMPLE],
            )
            for source in left[:limit]
        ]
        more = len(left) > limit
        following = CursorAfter(page[-1].canonical_source_key) if more else CURSOR_END
        return SourceConflictPage(conflicts=tuple(page), next_position=following)

    @override
    async def repair_source_conflict(
        self,
        canonical_source_key: str,
        *,
        primary_doc_id: str,
        expected_candidate_count: int,
        expected_candidate_fingerprint: str,
        dry_run: bool = True,
    ) -> SourceConflictRepairResult:
        """Mark all documents from a source but one as its duplicates.

        Args:
            canonical_source_key: The source.
            primary_doc_id: Whose it is to be.
            expected_candidate_count: What a dry run told.
            expected_candidate_fingerprint: What a dry run told.
            dry_run: Only tell what would be done.

        Raises:
            ValueError: That document does not claim the source.
            SourceConflictRepairCASError: Others changed something since the dry run.
        """
        documents = {name_of(one): one async for one in self._primaries(canonical_source_key)}
        names = sorted(documents)
        if primary_doc_id not in documents:
            raise ValueError(f"{primary_doc_id!r} does not claim {canonical_source_key!r}")
        fingerprint = _fingerprint(names)
        demoted = [name for name in names if name != primary_doc_id]
        if not dry_run:
            expected = expected_candidate_count, expected_candidate_fingerprint
            if (len(names), fingerprint) != expected:
                raise SourceConflictRepairCASError(
                    f"the documents that claim {canonical_source_key!r} are others than told"
                )
            for name in demoted:
                await self._demote(documents[name], primary_doc_id)
        return SourceConflictRepairResult(
            canonical_source_key=canonical_source_key,
            primary_doc_id=primary_doc_id,
            candidate_count=len(names),
            fingerprint=fingerprint,
            demoted_sample_doc_ids=tuple(demoted[:_SAMPLE]),
            committed=not dry_run,
        )

    async def _demote(self, document: Document, primary: str) -> None:
        metadata = metadata_of(document.data) | {
            "is_duplicate": True,
            "original_doc_id": primary,
        }
        changed = {**document.data, "metadata": metadata}
        try:
            await self._docs.compare_and_set(document.id, changed, document.version)
        except Conflict as error:
            raise SourceConflictRepairCASError(
                f"document {name_of(document)!r} was changed meanwhile"
            ) from error

    async def _claimants(self, source: str) -> list[str]:
        found = await self._docs.find(of_source(source), limit=_SAMPLE)
        return sorted(name_of(one) for one in found.items if not is_duplicate(one.data))


def _record(name: str, row: dict[str, Any]) -> DocSchedulingRecord:
    created = row.get("created_at")
    updated = row.get("updated_at", created)
    try:
        status = DocStatus(row.get("status"))
    except ValueError as error:
        raise _incomplete(name, "status") from error
    if not isinstance(created, str) or not isinstance(updated, str):
        raise _incomplete(name, "created_at or updated_at")
    journal = metadata_of(row).get(CUSTOM_CHUNK_PATCH_METADATA_KEY)
    return DocSchedulingRecord(
        id=name,
        status=status,
        created_at=created,
        updated_at=updated,
        file_path=row.get("file_path") or NO_FILE,
        track_id=row.get("track_id"),
        has_custom_chunk_journal=isinstance(journal, dict),
    )


def _incomplete(name: str, what: str) -> DataCorruption:
    return DataCorruption(
        f"the state of document {name!r} has no usable {what}",
        hint="Delete the document in LightRAG, and insert it again",
    )


def _fingerprint(names: list[str]) -> str:
    return sha256("".join(f"{name}\0" for name in names).encode()).hexdigest()


def _check_limit(limit: int) -> None:
    if limit < 1:
        raise ValueError(f"a page has at least one row, not {limit}")


def _refuse_position(error: InvalidFilter) -> NoReturn:
    raise StorageControlPlaneError("the position is none of this sweep; begin it anew") from error
