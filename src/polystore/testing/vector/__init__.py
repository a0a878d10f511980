"""What every vector store promises."""

from __future__ import annotations

from polystore.testing.vector.basics import VectorBasics
from polystore.testing.vector.batches import VectorBatches
from polystore.testing.vector.deletes import VectorDeletes
from polystore.testing.vector.derived import VectorDerived
from polystore.testing.vector.filters import VectorFilters
from polystore.testing.vector.metadata import VectorMetadata
from polystore.testing.vector.refusals import VectorRefusals
from polystore.testing.vector.scans import VectorScans
from polystore.testing.vector.search import VectorSearch
from polystore.testing.vector.starved import VectorCompleteness
from polystore.testing.vector.texts import VectorTexts
from polystore.testing.vector.workspaces import VectorWorkspaces


class VectorSuite(
    VectorBasics,
    VectorBatches,
    VectorSearch,
    VectorCompleteness,
    VectorTexts,
    VectorMetadata,
    VectorDeletes,
    VectorDerived,
    VectorScans,
    VectorFilters,
    VectorRefusals,
    VectorWorkspaces,
):
    """Every promise of `polystore.stores.vector.VectorStore`."""


__all__ = ["VectorSuite"]
