"""One portable filter language: nodes, builder, dict and JSON forms, and their meaning."""

from __future__ import annotations

from polystore.filters.analysis import OPERATORS, constant, is_trivial, operators, paths
from polystore.filters.ast import (
    MAX_DEPTH,
    And,
    Compare,
    CompareOp,
    ContainsAll,
    ContainsAny,
    Exists,
    Filter,
    In,
    IsNull,
    Not,
    Or,
    StartsWith,
)
from polystore.filters.builder import F
from polystore.filters.dictform import parse_filter
from polystore.filters.evaluate import Predicate, compile_predicate, evaluate
from polystore.filters.jsonform import from_json, to_json
from polystore.filters.operands import MAX_VALUES, Operand, Scalar
from polystore.filters.path import SYSTEM_FIELDS, Path, parse_path
from polystore.filters.visitor import Visitor

__all__ = [
    "MAX_DEPTH",
    "MAX_VALUES",
    "OPERATORS",
    "SYSTEM_FIELDS",
    "And",
    "Compare",
    "CompareOp",
    "ContainsAll",
    "ContainsAny",
    "Exists",
    "F",
    "Filter",
    "In",
    "IsNull",
    "Not",
    "Operand",
    "Or",
    "Path",
    "Predicate",
    "Scalar",
    "StartsWith",
    "Visitor",
    "compile_predicate",
    "constant",
    "evaluate",
    "from_json",
    "is_trivial",
    "operators",
    "parse_filter",
    "parse_path",
    "paths",
    "to_json",
]
