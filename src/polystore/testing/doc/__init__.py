"""What every document store promises."""

from __future__ import annotations

from polystore.testing.doc.basics import DocBasics
from polystore.testing.doc.batches import DocBatches
from polystore.testing.doc.derived import DocDerived
from polystore.testing.doc.filters import DocFilters
from polystore.testing.doc.finds import DocFinds
from polystore.testing.doc.pages import DocPages
from polystore.testing.doc.patches import DocPatches
from polystore.testing.doc.refusals import DocRefusals
from polystore.testing.doc.versions import DocVersions
from polystore.testing.doc.workspaces import DocWorkspaces


class DocSuite(
    DocBasics,
    DocBatches,
    DocPatches,
    DocVersions,
    DocFinds,
    DocDerived,
    DocPages,
    DocFilters,
    DocRefusals,
    DocWorkspaces,
):
    """Every promise of `polystore.stores.doc.DocStore`."""


__all__ = ["DocSuite"]
