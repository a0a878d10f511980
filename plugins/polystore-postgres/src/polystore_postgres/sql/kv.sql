-- Statements of a key-value store. The clock is read once per statement, and anew in each
-- statement of a transaction.

-- name: get
SELECT key, value, bytes, version, created_at, updated_at, expires_at
  FROM __SCHEMA__.__TABLE__
 WHERE workspace = $1 AND key = $2::text
   AND (expires_at IS NULL OR expires_at > clock_timestamp())

-- name: get_many
SELECT key, value, bytes, version, created_at, updated_at, expires_at
  FROM __SCHEMA__.__TABLE__
 WHERE workspace = $1 AND key = ANY($2::text[])
   AND (expires_at IS NULL OR expires_at > clock_timestamp())

-- name: value
SELECT value, bytes
  FROM __SCHEMA__.__TABLE__
 WHERE workspace = $1 AND key = $2::text
   AND (expires_at IS NULL OR expires_at > clock_timestamp())

-- name: values
SELECT key, value, bytes
  FROM __SCHEMA__.__TABLE__
 WHERE workspace = $1 AND key = ANY($2::text[])
   AND (expires_at IS NULL OR expires_at > clock_timestamp())

-- name: present
SELECT key
  FROM __SCHEMA__.__TABLE__
 WHERE workspace = $1 AND key = ANY($2::text[])
   AND (expires_at IS NULL OR expires_at > clock_timestamp())

-- name: put_many
WITH c AS MATERIALIZED (
    -- The version is computed once and not for each row, which would take a tenth of the time.
    SELECT now, (extract(epoch FROM now) * 1000000)::bigint AS version
      FROM (SELECT clock_timestamp() AS now) AS clock
)
INSERT INTO __SCHEMA__.__TABLE__ AS t
       (workspace, key, value, bytes, version, created_at, updated_at, expires_at)
SELECT $1, r.key, r.value, r.bytes, c.version, c.now, c.now, c.now + make_interval(secs => r.ttl)
  FROM unnest($2::text[], $3::jsonb[], $4::bytea[], $5::float8[]) AS r (key, value, bytes, ttl)
 CROSS JOIN c
    ON CONFLICT (workspace, key) DO UPDATE
   SET value = excluded.value,
       bytes = excluded.bytes,
       version = greatest(t.version + 1, excluded.version),
       created_at = CASE WHEN t.expires_at <= excluded.updated_at
                         THEN excluded.created_at ELSE t.created_at END,
       updated_at = excluded.updated_at,
       expires_at = excluded.expires_at

-- name: put_json
-- JSON that lives for ever: columns without values are not sent, as each costs for every row.
WITH c AS MATERIALIZED (
    SELECT now, (extract(epoch FROM now) * 1000000)::bigint AS version
      FROM (SELECT clock_timestamp() AS now) AS clock
)
INSERT INTO __SCHEMA__.__TABLE__ AS t
       (workspace, key, value, version, created_at, updated_at)
SELECT $1, r.key, r.value, c.version, c.now, c.now
  FROM unnest($2::text[], $3::jsonb[]) AS r (key, value)
 CROSS JOIN c
    ON CONFLICT (workspace, key) DO UPDATE
   SET value = excluded.value,
       bytes = NULL,
       version = greatest(t.version + 1, excluded.version),
       created_at = CASE WHEN t.expires_at <= excluded.updated_at
                         THEN excluded.created_at ELSE t.created_at END,
       updated_at = excluded.updated_at,
       expires_at = NULL

-- name: put_if_absent
INSERT INTO __SCHEMA__.__TABLE__ AS t
       (workspace, key, value, bytes, version, created_at, updated_at, expires_at)
SELECT $1, $2::text, $3::jsonb, $4::bytea, (extract(epoch FROM c.now) * 1000000)::bigint,
       c.now, c.now, c.now + make_interval(secs => $5::float8)
  FROM (SELECT clock_timestamp() AS now) AS c
    ON CONFLICT (workspace, key) DO UPDATE
   SET value = excluded.value,
       bytes = excluded.bytes,
       version = greatest(t.version + 1, excluded.version),
       created_at = excluded.created_at,
       updated_at = excluded.updated_at,
       expires_at = excluded.expires_at
 WHERE t.expires_at <= excluded.updated_at
RETURNING t.version

-- name: replace
UPDATE __SCHEMA__.__TABLE__ AS t
   SET value = $3::jsonb,
       bytes = $4::bytea,
       version = greatest(t.version + 1, (extract(epoch FROM c.now) * 1000000)::bigint),
       updated_at = c.now,
       expires_at = c.now + make_interval(secs => $5::float8)
  FROM (SELECT clock_timestamp() AS now) AS c
 WHERE t.workspace = $1 AND t.key = $2::text AND t.version = $6::bigint
   AND (t.expires_at IS NULL OR t.expires_at > c.now)
RETURNING t.version

-- name: delete_many
WITH doomed AS MATERIALIZED (
    -- In the order in which puts take their locks, so that the two never wait for each other.
    SELECT key FROM __SCHEMA__.__TABLE__
     WHERE workspace = $1 AND key = ANY($2::text[])
     ORDER BY key
       FOR UPDATE
), gone AS (
    DELETE FROM __SCHEMA__.__TABLE__ AS t
     USING doomed
     WHERE t.workspace = $1 AND t.key = doomed.key
    RETURNING t.expires_at
)
SELECT count(*) FROM gone WHERE expires_at IS NULL OR expires_at > clock_timestamp()

-- name: clear
WITH gone AS (
    DELETE FROM __SCHEMA__.__TABLE__ WHERE workspace = $1 RETURNING expires_at
)
SELECT count(*) FROM gone WHERE expires_at IS NULL OR expires_at > clock_timestamp()

-- name: count
SELECT count(*)
  FROM __SCHEMA__.__TABLE__
 WHERE workspace = $1 AND (expires_at IS NULL OR expires_at > clock_timestamp())

-- name: scan
SELECT key, value, bytes, version, created_at, updated_at, expires_at
  FROM __SCHEMA__.__TABLE__
 WHERE workspace = $1 AND key >= $2::text
   AND (expires_at IS NULL OR expires_at > clock_timestamp())
 ORDER BY key
 LIMIT $3::bigint

-- name: scan_below
SELECT key, value, bytes, version, created_at, updated_at, expires_at
  FROM __SCHEMA__.__TABLE__
 WHERE workspace = $1 AND key >= $2::text AND key < $4::text
   AND (expires_at IS NULL OR expires_at > clock_timestamp())
 ORDER BY key
 LIMIT $3::bigint

-- name: sweep
WITH expired AS (
    SELECT workspace, key FROM __SCHEMA__.__TABLE__
     WHERE expires_at <= statement_timestamp()
     ORDER BY expires_at
     LIMIT $1::bigint
       FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM __SCHEMA__.__TABLE__ AS t
     USING expired
     WHERE t.workspace = expired.workspace AND t.key = expired.key
    RETURNING 1
)
SELECT count(*) FROM gone
