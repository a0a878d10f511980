"""What every graph store promises."""

from __future__ import annotations

from polystore.testing.graph.adjacency import GraphAdjacency
from polystore.testing.graph.batches import GraphBatches
from polystore.testing.graph.deletes import GraphDeletes
from polystore.testing.graph.derived import GraphDerived
from polystore.testing.graph.edges import GraphEdges
from polystore.testing.graph.filters import GraphFilters
from polystore.testing.graph.finds import GraphFinds
from polystore.testing.graph.labels import GraphLabels
from polystore.testing.graph.nodes import GraphNodes
from polystore.testing.graph.refusals import GraphRefusals
from polystore.testing.graph.scans import GraphScans
from polystore.testing.graph.undirected import GraphUndirected
from polystore.testing.graph.walks import GraphWalks
from polystore.testing.graph.workspaces import GraphWorkspaces


class GraphSuite(
    GraphNodes,
    GraphEdges,
    GraphBatches,
    GraphDeletes,
    GraphAdjacency,
    GraphUndirected,
    GraphWalks,
    GraphDerived,
    GraphFinds,
    GraphScans,
    GraphLabels,
    GraphFilters,
    GraphRefusals,
    GraphWorkspaces,
):
    """Every promise of `polystore.stores.graph.GraphStore`."""


__all__ = ["GraphSuite"]
