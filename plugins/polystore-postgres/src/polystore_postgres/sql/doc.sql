-- Statements of a document store that do not depend on its declared fields.

-- name: get
SELECT id, data, version, created_at, updated_at
  FROM __SCHEMA__.__TABLE__
 WHERE workspace = $1 AND id = $2::text

-- name: get_many
-- A look into the primary key for each id. Of many ids in one condition the server may think that
-- to read through a whole index of the workspace is as quick, while that is small, and keeps to it.
SELECT t.id, t.data, t.version, t.created_at, t.updated_at
  FROM unnest($2::text[]) AS k (id)
 CROSS JOIN LATERAL (
    SELECT * FROM __SCHEMA__.__TABLE__ AS d WHERE d.workspace = $1 AND d.id = k.id OFFSET 0
 ) AS t

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
