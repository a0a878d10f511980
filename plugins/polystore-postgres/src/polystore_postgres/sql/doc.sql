-- Statements of a document store that do not depend on its declared fields.

-- name: get
SELECT id, data, version, created_at, updated_at
  FROM __SCHEMA__.__TABLE__
 WHERE workspace = $1 AND id = $2::text

-- name: get_many
SELECT id, data, version, created_at, updated_at
  FROM __SCHEMA__.__TABLE__
 WHERE workspace = $1 AND id = ANY($2::text[])

-- name: delete_many
WITH doomed AS MATERIALIZED (
    -- In the order in which puts take their locks, so that the two never wait for each other.
    SELECT id FROM __SCHEMA__.__TABLE__
     WHERE workspace = $1 AND id = ANY($2::text[])
     ORDER BY id
       FOR UPDATE
), gone AS (
    DELETE FROM __SCHEMA__.__TABLE__ AS t
     USING doomed
     WHERE t.workspace = $1 AND t.id = doomed.id
    RETURNING 1
)
SELECT count(*) FROM gone

-- name: clear
WITH gone AS (DELETE FROM __SCHEMA__.__TABLE__ WHERE workspace = $1 RETURNING 1)
SELECT count(*) FROM gone

-- name: count
SELECT count(*) FROM __SCHEMA__.__TABLE__ WHERE workspace = $1
