"""Rows of the documents' states, as LightRAG knows them and as they are stored."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from lightrag.base import DocProcessingStatus, DocStatus
from lightrag.utils import get_pinyin_sort_key

from polystore.errors import DataCorruption
from polystore_lightrag.base import log
from polystore_lightrag.keys import is_short
from polystore_lightrag.stores import FILE_PATH_ORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from polystore.types.records import Document

T = TypeVar("T")
NO_FILE: Final = "no-file-path"
UNKNOWN_SOURCE: Final = "unknown_source"
_ID: Final = "polystore_id"
"""A field beside a row's own: its id, where that is too long to be the document's id."""
_OURS: Final = frozenset((FILE_PATH_ORDER, _ID))
_KNOWN: Final = frozenset(field.name for field in fields(DocProcessingStatus))


def stored_row(id_: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is stored of a row: all of it, and what file paths are sorted by."""
    kept = {name: value for name, value in row.items() if name != "_id"}
    kept.setdefault("chunks_list", [])
    kept[FILE_PATH_ORDER] = get_pinyin_sort_key(str(kept.get("file_path") or NO_FILE))
    if not is_short(id_):
        kept[_ID] = id_
    return kept


def name_of(document: Document) -> str:
    """Return a document's id."""
    return cast("str", document.data.get(_ID, document.id))


def own_row(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as LightRAG wrote it."""
    return {name: value for name, value in data.items() if name not in _OURS}


def processing_status(id_: str, data: Mapping[str, Any]) -> DocProcessingStatus:
    """Return a row as LightRAG's dataclass, which does not know every field.

    Raises:
        DataCorruption: A field that it needs is missing.
    """
    known = {name: value for name, value in data.items() if name in _KNOWN}
    known["file_path"] = known.get("file_path") or NO_FILE
    known.setdefault("metadata", {})
    known.setdefault("error_msg", None)
    try:
        return DocProcessingStatus(**known)
    except TypeError as error:
        raise DataCorruption(
            f"the state of document {id_!r} is incomplete: {error}",
            hint="Delete the document in LightRAG, and insert it again",
        ) from error


def is_duplicate(data: Mapping[str, Any]) -> bool:
    """Whether a row only records that another document has the same content or source."""
    return bool(metadata_of(data).get("is_duplicate"))


def points_at(data: Mapping[str, Any], id_: str | None) -> bool:
    """Whether a row only records that its content belongs to the document `id_`."""
    return is_duplicate(data) and bool(id_) and metadata_of(data).get("original_doc_id") == id_


def metadata_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's metadata; none at all if it is no object."""
    found = data.get("metadata")
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def values_of(statuses: list[DocStatus]) -> list[str]:
    """Return what is stored of statuses, each once, in order."""
    return sorted({DocStatus(status).value for status in statuses})


def read_each(
    documents: Iterable[Document], read: Callable[[str, dict[str, Any]], T], *, strict: bool
) -> dict[str, T]:
    """Return what `read` makes of each document's id and row, by id.

    Args:
        documents: The documents.
        read: Raises DataCorruption for a row that lacks a field.
        strict: Raise that; else such a row is logged, and left out.
    """
    found: dict[str, T] = {}
    for document in documents:
        name = name_of(document)
        try:
            found[name] = read(name, document.data)
        except DataCorruption:
            if strict:
                raise
            log.exception("the state of document %s is left out", name)
    return found
