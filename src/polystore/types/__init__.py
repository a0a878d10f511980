"""Data that crosses the seam between handles, drivers and operators."""

from polystore.types.batches import (
    Direction,
    DocBatch,
    EdgeBatch,
    KVBatch,
    NodeBatch,
    VectorBatch,
)
from polystore.types.call import Call, Consistency
from polystore.types.json_domain import JSONValue
from polystore.types.records import (
    Document,
    Edge,
    EdgeKey,
    FieldCount,
    GraphCounts,
    GraphPath,
    Hit,
    Hits,
    KVEntry,
    LabelMatch,
    Node,
    NodeDegree,
    Page,
    Subgraph,
    VectorRecord,
)
from polystore.types.reports import Change, Explanation, Finding, Health, Severity, StoreSize

__all__ = [
    "Call",
    "Change",
    "Consistency",
    "Direction",
    "DocBatch",
    "Document",
    "Edge",
    "EdgeBatch",
    "EdgeKey",
    "Explanation",
    "FieldCount",
    "Finding",
    "GraphCounts",
    "GraphPath",
    "Health",
    "Hit",
    "Hits",
    "JSONValue",
    "KVBatch",
    "KVEntry",
    "LabelMatch",
    "Node",
    "NodeBatch",
    "NodeDegree",
    "Page",
    "Severity",
    "StoreSize",
    "Subgraph",
    "VectorBatch",
    "VectorRecord",
]
