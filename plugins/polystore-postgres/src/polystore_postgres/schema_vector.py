"""The table of a vector store, and the index for nearness that its spec asks for.

`words` holds what `search_text` looks up; it is computed when a row is written, as the server's
idea of a word differs from ours and depends on its locale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from polystore.errors import SchemaMismatch, UnsupportedError
from polystore.specs import VectorSpec
from polystore_postgres.fields import columns_for
from polystore_postgres.names import json_expression, quote_identifier
from polystore_postgres.options import vector_options
from polystore_postgres.tables import SYSTEM_COLUMNS, KeyTable, TableIndex, make_index

if TYPE_CHECKING:
    from polystore.filters import Path
    from polystore.specdiff import StoredSpec
    from polystore_postgres.names import Names

VECTOR = "vec"
NEAREST: Final = "nearest"
"""What tells the index for nearness from a table's others."""
MAX_DIMENSIONS: Final = 16_000
"""Of pgvector's type `vector`."""

Form: TypeAlias = Literal["full", "half", "binary"]
"""In which precision an index holds the vectors."""

_INDEXABLE: Final[dict[Form, int]] = {"full": 2_000, "half": 4_000, "binary": MAX_DIMENSIONS}
_INLINE_DIMENSIONS: Final = 1_800
"""A vector of so many dimensions fits into a page together with the rest of its row."""


def vector_spec(stored: StoredSpec) -> VectorSpec:
    """Return the spec of a vector store."""
    if not isinstance(stored.spec, VectorSpec):
        raise TypeError(f"store {stored.spec.name} is no vector store")
    return stored.spec


def check_dimensions(spec: VectorSpec) -> None:
    """Raise UnsupportedError if the dimensions can be stored, or be indexed as declared, by nobody.

    The message says the way out.
    """
    if spec.dimensions > MAX_DIMENSIONS:
        raise UnsupportedError(
            f"pgvector stores at most {MAX_DIMENSIONS} dimensions, not {spec.dimensions}",
            store=spec.name,
            hint="Use an embedding model with fewer dimensions, or another backend",
        )
    form = index_form(spec)
    if form is not None and spec.dimensions > _INDEXABLE[form]:
        raise UnsupportedError(
            f"pgvector indexes at most {_INDEXABLE['half']} dimensions in half precision "
            f"(and {_INDEXABLE['full']} in full), not {spec.dimensions}",
            store=spec.name,
            hint="Declare index: {quantization: binary}, or index: {type: none} to search exactly",
        )


def check_update(old: VectorSpec, new: VectorSpec) -> None:
    """Raise SchemaMismatch if new settings do not go with what is stored under the old ones."""
    old_options, new_options = vector_options(old), vector_options(new)
    hint = "Restore the old value, or declare a new store beside this one and fill it"
    if old_options.text_config != new_options.text_config:
        raise SchemaMismatch(
            f"text_config is {old_options.text_config} and would become "
            f"{new_options.text_config}, but the words of every text are stored as they were "
            "reduced",
            store=new.name,
            hint=hint,
        )
    if old_options.partitions != new_options.partitions:
        raise SchemaMismatch(
            f"partitions is {old_options.partitions} and would become {new_options.partitions}, "
            "but a row stays where it was stored",
            store=new.name,
            hint=hint,
        )


def index_form(spec: VectorSpec) -> Form | None:
    """Return the precision of the index; None without one.

    Over 2,000 dimensions it is half, as pgvector indexes no more in full precision.
    """
    if spec.index.type == "none":
        return None
    if spec.index.quantization == "binary":
        return "binary"
    too_many = spec.dimensions > _INDEXABLE["full"]
    return "half" if too_many or spec.index.quantization == "half" else "full"


def create_tables(stored: StoredSpec, names: Names) -> list[str]:
    """Return the statements that create the table, without indexes.

    Raises:
        ConfigError: An option is unknown or out of range.
        UnsupportedError: pgvector has no room for so many dimensions.
    """
    spec = vector_spec(stored)
    check_dimensions(spec)
    options = vector_options(spec)
    table = key_table(stored, names)
    parts = partitions(stored, names)
    statements = [
        f"""CREATE TABLE {table.name} (
    workspace text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    embedding {quote_identifier(names.vector_schema)}.vector({spec.dimensions}) NOT NULL,
    text text,
    words tsvector,
    metadata jsonb NOT NULL,
{SYSTEM_COLUMNS}{table.definitions()},
    PRIMARY KEY (workspace, id)
){" PARTITION BY HASH (workspace)" if parts else options.storage()}"""
    ]
    statements += [
        f"CREATE TABLE {names.qualify(part)} PARTITION OF {table.name} "
        f"FOR VALUES WITH (MODULUS {len(parts)}, REMAINDER {number}){options.storage()}"
        for number, part in enumerate(parts)
    ]
    if spec.dimensions <= _INLINE_DIMENSIONS:
        # Comparing many vectors is several times slower where each has to be fetched from aside.
        statements.append(f"ALTER TABLE {table.name} ALTER COLUMN embedding SET STORAGE PLAIN")
    return statements


def partitions(stored: StoredSpec, names: Names) -> list[str]:
    """Return the bare names of the table's partitions; [] where it is in one piece."""
    bare = names.bare(VECTOR, stored)
    return [f"{bare}__p{n}" for n in range(vector_options(vector_spec(stored)).partitions or 0)]


def key_table(stored: StoredSpec, names: Names) -> KeyTable:
    """Return where the store's declared fields are; arrays have no key column."""
    scalars = [path for path, type_ in _fields(stored).items() if type_ != "array"]
    return KeyTable(names.table(VECTOR, stored), "id", "metadata", columns_for(scalars))


def array_expressions(stored: StoredSpec, column: str) -> dict[Path, str]:
    """Return the jsonb of each declared array, as its index and filters say it."""
    arrays = [path for path, type_ in _fields(stored).items() if type_ == "array"]
    return {path: json_expression(column, path) for path in arrays}


def indexes(stored: StoredSpec, names: Names) -> list[TableIndex]:
    """Return every index that a new store should have besides its primary key.

    An IVFFlat index learns its lists from the rows that are there, so it is not among them: see
    `ann_index`.
    """
    bare, parts = names.bare(VECTOR, stored), partitions(stored, names)
    found = [make_index(names, bare, "USING gin (words)", partitions=parts)]
    for path, column in key_table(stored, names).columns.items():
        definition = f"USING btree (workspace, {column}, id)"
        found.append(make_index(names, bare, definition, str(path), parts))
    for path, expression in array_expressions(stored, "metadata").items():
        definition = f"USING gin ({expression} jsonb_path_ops)"
        found.append(make_index(names, bare, definition, f"{path} array", parts))
    ann = ann_index(stored, names)
    if ann is not None and not ann.deferred:
        found.append(ann.index())
    return found


@dataclass(frozen=True, slots=True)
class AnnIndex:
    """The index that finds near vectors without comparing all.

    Attributes:
        method: `hnsw` or `ivfflat`.
        form: The precision it holds.
        names: The names in the schema.
        table: The table's bare name.
        spec: The store's spec.
        parts: The bare names of the table's partitions, if it has any.
    """

    method: Literal["hnsw", "ivfflat"]
    form: Form
    names: Names
    table: str
    spec: VectorSpec
    parts: tuple[str, ...] = ()

    @property
    def deferred(self) -> bool:
        """Whether it is worth building only when there are rows."""
        return self.method == "ivfflat"

    @property
    def extension(self) -> str:
        """The extension's schema, quoted."""
        return quote_identifier(self.names.vector_schema)

    @property
    def operators(self) -> str:
        """The name of the operator class of its key."""
        return {
            "full": f"vector_{self.spec.metric}_ops",
            "half": f"halfvec_{self.spec.metric}_ops",
            "binary": "bit_hamming_ops",
        }[self.form]

    def index(self, rows: int = 0, *, what: str = NEAREST) -> TableIndex:
        """Return the index, as for a table with so many rows.

        Args:
            rows: The rows of the table.
            what: Tells it from another one, which is built beside it.
        """
        key = f"{self.expression('embedding')} {self.extension}.{self.operators}"
        definition = f"USING {self.method} ({key}) WITH ({self.settings(rows)})"
        return make_index(self.names, self.table, definition, what, self.parts)

    def expression(self, vector: str) -> str:
        """Return what the index holds of `vector`, an SQL expression of type vector."""
        if self.form == "full":
            return vector
        extension, size = self.extension, self.spec.dimensions
        if self.form == "binary":
            return f"({extension}.binary_quantize({vector})::bit({size}))"
        if self.spec.metric == "cosine":
            # Only the direction counts, and with length 1 nothing overflows half precision.
            vector = f"{extension}.l2_normalize({vector})"
        return f"({vector}::{extension}.halfvec({size}))"

    def distance(self, column: str, vector: str) -> str:
        """Return the SQL of the distance by which the index orders."""
        sign = "<~>" if self.form == "binary" else OPERATORS[self.spec.metric]
        return (
            f"{self.expression(column)} OPERATOR({self.extension}.{sign}) {self.expression(vector)}"
        )

    def settings(self, rows: int) -> str:
        """Return what it is built with, as for a table with so many rows."""
        declared = self.spec.index
        if self.method == "hnsw":
            return f"m = {declared.m}, ef_construction = {declared.ef_construction}"
        return f"lists = {declared.lists or lists_for(rows // (len(self.parts) or 1))}"


OPERATORS: Final = {"cosine": "<=>", "ip": "<#>", "l2": "<->"}
"""pgvector's distance of each metric."""

_FEWEST_LISTS: Final = 10
_MOST_LISTS: Final = 32_768
_MANY_ROWS: Final = 1_000_000


def lists_for(rows: int) -> int:
    """Return how many lists an IVFFlat index over so many rows gets."""
    wanted = rows // 1000 if rows <= _MANY_ROWS else round(rows**0.5)
    return max(_FEWEST_LISTS, min(wanted, _MOST_LISTS))


def ann_index(stored: StoredSpec, names: Names) -> AnnIndex | None:
    """Return the index for nearness that the spec asks for; None: every search compares all."""
    spec = vector_spec(stored)
    form = index_form(spec)
    if form is None:
        return None
    method = "ivfflat" if spec.index.type == "ivfflat" else "hnsw"
    parts = tuple(partitions(stored, names))
    return AnnIndex(method, form, names, names.bare(VECTOR, stored), spec, parts)


def _fields(stored: StoredSpec) -> dict[Path, str]:
    return {path: str(type_) for path, type_ in vector_spec(stored).field_paths().items()}
