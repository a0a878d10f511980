"""A LightRAG deployment as a source of `polystore migrate-from`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from polystore.errors import ConfigError
from polystore.sources import Source
from polystore_lightrag import stores
from polystore_lightrag.registration import check_version
from polystore_lightrag.stores import all_specs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from polystore.sources import SourceBatch, SourcePart
    from polystore.specs import StoreSpec
    from polystore_lightrag.source_parts import Parts

_SCHEMES: Final = ("postgresql://", "postgres://")
_NO_MODEL: Final = "none"


class LightRAGSource(Source):
    """LightRAG's files, or its tables in PostgreSQL, as its location says."""

    def __init__(self, location: str, options: Mapping[str, str]) -> None:
        super().__init__(location, options)
        check_version()
        if location.startswith(_SCHEMES):
            from polystore_lightrag.source_postgres import Tables

            self._inner: Parts = Tables(location, options)
        else:
            from polystore_lightrag.source_files import Files

            self._inner = Files(str(Path(location).expanduser()), options)

    @override
    async def open(self) -> None:
        await self._inner.open()
        try:
            self._check(self._inner.parts())
        except BaseException:
            await self._inner.close()
            raise

    def _check(self, parts: Sequence[SourcePart]) -> None:
        if not parts:
            raise ConfigError(
                "there is nothing of LightRAG", hint="Name its working folder, or its database"
            )
        if self.options.get("partial") != "yes":
            _refuse_parts_missing(parts)

    @override
    async def close(self) -> None:
        await self._inner.close()

    @override
    def parts(self) -> Sequence[SourcePart]:
        return self._inner.parts()

    @override
    def fingerprint(self) -> str:
        return self._inner.fingerprint()

    @override
    def read(self, part: SourcePart, after: str | None, batch: int) -> AsyncIterator[SourceBatch]:
        return self._inner.read(part, after, batch)

    @override
    def specs(self) -> Sequence[StoreSpec]:
        """Return LightRAG's stores, for the vectors that there are.

        Raises:
            ConfigError: Nobody says which model made the vectors.
        """
        sizes = {part.dimensions for part in self.parts() if part.dimensions is not None}
        model = self.options.get("embedding_model")
        if not sizes:
            return [*stores.kv_specs(), *stores.graph_specs(), *stores.doc_specs()]
        if model is None:
            raise ConfigError(
                "LightRAG's data does not tell which model made its vectors",
                hint="Add include: [{lightrag: {dimensions: N, embedding_model: NAME}}] to the "
                "configuration, or say --option embedding_model=NAME (`none` if LightRAG's "
                "embedding function has no model_name)",
            )
        return all_specs(max(sizes), None if model == _NO_MODEL else model)


def _refuse_parts_missing(parts: Sequence[SourcePart]) -> None:
    """Refuse a workspace that has texts and no vectors or graph, which are elsewhere then."""
    for workspace in {part.workspace for part in parts}:
        filled = {part.store for part in parts if part.workspace == workspace and part.rows}
        if stores.store_name("text_chunks") not in filled:
            continue
        for namespace in ("chunks", "doc_status", "full_docs"):
            if stores.store_name(namespace) not in filled:
                raise ConfigError(
                    f"LightRAG's data is not whole here: {namespace} is missing"
                    + (f" in workspace {workspace!r}" if workspace else ""),
                    hint="If LightRAG keeps it in another storage, say --option partial=yes; it "
                    "is left out then",
                )
