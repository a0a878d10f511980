"""The statements that write documents: their columns depend on the declared fields."""

from __future__ import annotations

from typing import Final

_CLOCK: Final = "(SELECT clock_timestamp() AS now) AS c"
_VERSION: Final = "(extract(epoch FROM c.now) * 1000000)::bigint"


def put_many_sql(table: str, columns: list[str]) -> str:
    """Return the upsert of a batch.

    Parameters: workspace, ids, data, then the keys of each column.

    Args:
        table: Quoted, with its schema.
        columns: The key columns.
    """
    types = "".join(f", ${n}::bytea[]" for n in range(4, 4 + len(columns)))
    values = "".join(f", r.{column}" for column in columns)
    return f"""
INSERT INTO {table} AS t
       (workspace, id, data, version, created_at, updated_at{_list(columns)})
SELECT $1, r.id, r.data, {_VERSION}, c.now, c.now{values}
  FROM unnest($2::text[], $3::jsonb[]{types}) AS r (id, data{_list(columns)})
 CROSS JOIN {_CLOCK}
    ON CONFLICT (workspace, id) DO UPDATE
   SET data = excluded.data,
       version = greatest(t.version + 1, excluded.version),
       updated_at = excluded.updated_at{_excluded(columns)}"""  # noqa: S608  our own names


def put_if_absent_sql(table: str, columns: list[str]) -> str:
    """Return the insert of one document; it returns no row if there is one.

    Parameters: workspace, id, data, then the key of each column.
    """
    values = "".join(f", ${n}::bytea" for n in range(4, 4 + len(columns)))
    return f"""
INSERT INTO {table} AS t
       (workspace, id, data, version, created_at, updated_at{_list(columns)})
SELECT $1, $2::text, $3::jsonb, {_VERSION}, c.now, c.now{values}
  FROM {_CLOCK}
    ON CONFLICT (workspace, id) DO NOTHING
RETURNING t.version"""  # noqa: S608  our own names


def replace_sql(table: str, columns: list[str]) -> str:
    """Return the update of one document of a given version; no row if it has another.

    Parameters: workspace, id, data, version, then the key of each column.
    """
    keys = "".join(f",\n       {column} = ${n}::bytea" for n, column in enumerate(columns, 5))
    return f"""
UPDATE {table} AS t
   SET data = $3::jsonb,
       version = greatest(t.version + 1, {_VERSION}),
       updated_at = c.now{keys}
  FROM {_CLOCK}
 WHERE t.workspace = $1 AND t.id = $2::text AND t.version = $4::bigint
RETURNING t.version"""  # noqa: S608  our own names


def _list(columns: list[str]) -> str:
    return "".join(f", {column}" for column in columns)


def _excluded(columns: list[str]) -> str:
    return "".join(f",\n       {column} = excluded.{column}" for column in columns)
