-- The catalogue of stores, and what the server's own catalogue says about our tables.

-- name: exists
SELECT EXISTS (
    SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = 'stores'
)

-- name: read
SELECT name, spec, generation, origin FROM __SCHEMA__.stores ORDER BY name

-- name: write
INSERT INTO __SCHEMA__.stores AS s (name, kind, spec, generation, origin, layout)
VALUES ($1, $2, $3::jsonb, $4, $5, (SELECT max(version) FROM __SCHEMA__.ledger))
    ON CONFLICT (name) DO UPDATE
   SET spec = excluded.spec,
       generation = excluded.generation,
       origin = excluded.origin,
       updated_at = now()

-- name: remove
DELETE FROM __SCHEMA__.stores WHERE name = $1

-- name: tables
SELECT c.relname AS name
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname = $1 AND c.relname = ANY($2::text[]) AND c.relkind IN ('r', 'p')

-- name: indexes
SELECT c.relname AS name, i.indisvalid AND i.indisready AS usable
  FROM pg_index AS i
  JOIN pg_class AS c ON c.oid = i.indexrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname = $1 AND c.relname = ANY($2::text[])

-- name: constraint_exists
SELECT EXISTS (
    SELECT FROM pg_constraint WHERE conrelid = $1::text::regclass AND conname = $2
)

-- name: ready_columns
SELECT attname AS name FROM pg_attribute
 WHERE attrelid = $1::text::regclass AND attnum > 0 AND attnotnull AND NOT attisdropped

-- name: guards
SELECT c.relname AS name,
       c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
           SELECT FROM pg_policy AS p
            WHERE p.polrelid = c.oid AND p.polname = 'polystore_workspace'
       ) AS guarded
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname = $1 AND c.relname = ANY($2::text[]) AND c.relkind IN ('r', 'p')
