"""What each operator becomes, by where a field is kept: jsonb, key column or plain column."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from typing_extensions import override

from polystore.types.json_domain import MAX_INTEGER, MIN_INTEGER, parse_datetime
from polystore.types.sortkey import class_range, is_truncated, sort_key, string_range
from polystore_postgres.textrange import after_prefix

if TYPE_CHECKING:
    from polystore.filters import CompareOp, Path, Scalar
    from polystore.filters.path import SystemKind
    from polystore_postgres.parameters import Parameters

_SIGNS: Final[dict[CompareOp, str]] = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_MANY = 20
"""More alternatives than this are one array, which no GIN index serves, instead of ORs."""


class FilterField:
    """A field and its tests; as it stands, one that is never there."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters

    def compare(self, op: CompareOp, value: Scalar) -> str:  # noqa: ARG002
        """Return the SQL of eq, gt, gte, lt or lte."""
        return "false"

    def is_in(self, values: tuple[Scalar, ...]) -> str:  # noqa: ARG002
        """Return the SQL of in; there is at least one value."""
        return "false"

    def exists(self) -> str:
        """Return the SQL of exists."""
        return "false"

    def is_null(self) -> str:
        """Return the SQL of is_null."""
        return "false"

    def contains_any(self, values: tuple[Scalar, ...]) -> str:  # noqa: ARG002
        """Return the SQL of contains_any; there is at least one value."""
        return "false"

    def contains_all(self, values: tuple[Scalar, ...]) -> str:  # noqa: ARG002
        """Return the SQL of contains_all; of no values it asks for any array."""
        return "false"

    def starts_with(self, prefix: str) -> str:  # noqa: ARG002
        """Return the SQL of starts_with."""
        return "false"


class AbsentField(FilterField):
    """A system field that this table does not have."""


class JsonField(FilterField):
    """A field inside the jsonb.

    `->` with text goes through objects only. Comparing jsonb with jsonb is exact for numbers,
    tells types apart and cannot fail; only strings need their text, for COLLATE "C".
    """

    def __init__(
        self, parameters: Parameters, data: str, path: Path, indexed: str | None = None
    ) -> None:
        super().__init__(parameters)
        self._data = data
        self._path = path
        self._indexed = indexed
        self._jsonb: str | None = None

    @property
    def value(self) -> str:
        """The jsonb of this field; NULL where it is missing."""
        if self._jsonb is None:
            keys = [self._parameters.add(part, "text") for part in self._path.parts]
            self._jsonb = f"({' -> '.join([self._data, *keys])})"
        return self._jsonb

    @property
    def text(self) -> str:
        """The text of a string."""
        return f"({self.value} #>> '{{}}') COLLATE \"C\""

    @override
    def compare(self, op: CompareOp, value: Scalar) -> str:
        if op == "eq":
            return f"{self.value} = {self._parameters.json(value)}"
        if isinstance(value, str):
            right = self._parameters.add(value, "text")
            return f"(jsonb_typeof({self.value}) = 'string' AND {self.text} {_SIGNS[op]} {right})"
        right = self._parameters.json(value)
        return f"(jsonb_typeof({self.value}) = 'number' AND {self.value} {_SIGNS[op]} {right})"

    @override
    def is_in(self, values: tuple[Scalar, ...]) -> str:
        return f"{self.value} = ANY({self._parameters.json_array(values)})"

    @override
    def exists(self) -> str:
        return f"{self.value} IS NOT NULL"

    @override
    def is_null(self) -> str:
        return f"{self.value} = 'null'::jsonb"

    @override
    def contains_any(self, values: tuple[Scalar, ...]) -> str:
        # An array on the right is contained in arrays only: `'1' @> '[1]'` is false.
        array = self._indexed or self.value
        if len(values) > _MANY:
            return f"{array} @> ANY({self._parameters.json_array([v] for v in values)})"
        tests = [f"{array} @> {self._parameters.json([value])}" for value in values]
        return f"({' OR '.join(tests)})"

    @override
    def contains_all(self, values: tuple[Scalar, ...]) -> str:
        if not values:
            return f"jsonb_typeof({self._indexed or self.value}) = 'array'"
        return f"{self._indexed or self.value} @> {self._parameters.json(list(values))}"

    @override
    def starts_with(self, prefix: str) -> str:
        right = self._parameters.add(prefix, "text")
        return f"(jsonb_typeof({self.value}) = 'string' AND starts_with({self.text}, {right}))"


class KeyField(FilterField):
    """A declared field: its sort key, which is never NULL, and the jsonb for what it lacks.

    The key holds the beginning of a long string only; such operands are tested on both.
    """

    def __init__(self, parameters: Parameters, column: str, document: JsonField) -> None:
        super().__init__(parameters)
        self._column = column
        self._document = document

    @override
    def compare(self, op: CompareOp, value: Scalar) -> str:
        key = sort_key(value)
        exact = not is_truncated(key)
        if op == "eq":
            test = f"{self._column} = {self._key(key)}"
            return test if exact else f"({test} AND {self._document.compare(op, value)})"
        low, below = class_range(key)
        if op in ("gt", "gte"):
            sign = _SIGNS[op] if exact else ">="
            test = f"{self._column} {sign} {self._key(key)} AND {self._column} < {self._key(below)}"
        else:
            sign = _SIGNS[op] if exact else "<="
            test = f"{self._column} {sign} {self._key(key)} AND {self._column} >= {self._key(low)}"
        return f"({test})" if exact else f"({test} AND {self._document.compare(op, value)})"

    @override
    def is_in(self, values: tuple[Scalar, ...]) -> str:
        keys = [sort_key(value) for value in values]
        test = f"{self._column} = ANY({self._parameters.add(keys, 'bytea[]')})"
        if any(map(is_truncated, keys)):
            return f"({test} AND {self._document.is_in(values)})"
        return test

    @override
    def exists(self) -> str:
        return f"{self._column} > '\\x00'::bytea"

    @override
    def is_null(self) -> str:
        return f"{self._column} = '\\x01'::bytea"

    @override
    def contains_any(self, values: tuple[Scalar, ...]) -> str:
        return self._document.contains_any(values)

    @override
    def contains_all(self, values: tuple[Scalar, ...]) -> str:
        return self._document.contains_all(values)

    @override
    def starts_with(self, prefix: str) -> str:
        low, below = string_range(prefix)
        test = f"{self._column} >= {self._key(low)} AND {self._column} < {self._key(below)}"
        if is_truncated(sort_key(prefix)):
            return f"({test} AND {self._document.starts_with(prefix)})"
        return f"({test})"

    def _key(self, key: bytes) -> str:
        return self._parameters.add(key, "bytea")


class ColumnField(FilterField):
    """A system field in a column of its own type; text columns are COLLATE "C"."""

    def __init__(self, parameters: Parameters, column: str, kind: SystemKind) -> None:
        super().__init__(parameters)
        self._column = column
        self._kind = kind

    @override
    def compare(self, op: CompareOp, value: Scalar) -> str:
        if self._kind == "integer":
            return self._compare_integer(op, value)
        type_ = "timestamptz" if self._kind == "datetime" else "text"
        right = self._parameters.add(self._operand(value), type_)
        return f"{self._column} {_SIGNS[op]} {right}"

    @override
    def is_in(self, values: tuple[Scalar, ...]) -> str:
        if self._kind == "integer":
            return self._in_integers(values)
        type_ = "timestamptz[]" if self._kind == "datetime" else "text[]"
        right = self._parameters.add([self._operand(value) for value in values], type_)
        return f"{self._column} = ANY({right})"

    @override
    def exists(self) -> str:
        return f"{self._column} IS NOT NULL"

    @override
    def starts_with(self, prefix: str) -> str:
        low = f"{self._column} >= {self._parameters.add(prefix, 'text')}"
        above = after_prefix(prefix)
        if above is None:
            return low
        return f"({low} AND {self._column} < {self._parameters.add(above, 'text')})"

    def _operand(self, value: Any) -> object:
        return parse_datetime(value) if self._kind == "datetime" else value

    def _compare_integer(self, op: CompareOp, value: Any) -> str:
        """Compare with what is whole, so that the column's index can be used."""
        if op == "eq":
            return self._in_integers((value,))
        # `> 1.5` is `> 1`, `>= 1.5` is `>= 2`, `< 1.5` is `< 2`, `<= 1.5` is `<= 1`.
        bound = math.floor(value) if op in ("gt", "lte") else math.ceil(value)
        if bound > MAX_INTEGER:
            return f"{self._column} IS NOT NULL" if op in ("lt", "lte") else "false"
        if bound < MIN_INTEGER:
            return f"{self._column} IS NOT NULL" if op in ("gt", "gte") else "false"
        return f"{self._column} {_SIGNS[op]} {self._parameters.add(bound, 'bigint')}"

    def _in_integers(self, values: tuple[Any, ...]) -> str:
        whole = [int(v) for v in values if v == math.floor(v) and MIN_INTEGER <= v <= MAX_INTEGER]
        if not whole:
            return "false"
        return f"{self._column} = ANY({self._parameters.add(whole, 'bigint[]')})"


class LabelsField(FilterField):
    """The labels of a node, an array of text that is always there."""

    def __init__(self, parameters: Parameters, column: str) -> None:
        super().__init__(parameters)
        self._column = column

    @override
    def exists(self) -> str:
        return "true"

    @override
    def contains_any(self, values: tuple[Scalar, ...]) -> str:
        return f"{self._column} && {self._parameters.add(list(values), 'text[]')}"

    @override
    def contains_all(self, values: tuple[Scalar, ...]) -> str:
        return f"{self._column} @> {self._parameters.add(list(values), 'text[]')}"
