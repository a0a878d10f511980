-- Vector stores. $1 is the workspace, always. Comments /* so */ are the places of what depends on
-- the store's declared fields, metric and index, and on the filter; vector_sql.py fills them.

-- name: upsert
INSERT INTO __SCHEMA__.__TABLE__ AS t
    (workspace, id, embedding, text, words, metadata, version, created_at, updated_at/* keys */)
SELECT $1, r.id, r.embedding, r.text, /* words */, r.metadata,
    (extract(epoch FROM c.now) * 1000000)::bigint, c.now, c.now/* values */
FROM unnest($2::text[], $3::__EXTENSION__.vector[], $4::text[], $5::text[], $6::jsonb[]/* arrays */)
    AS r (id, embedding, text, words, metadata/* keys */)
CROSS JOIN (SELECT clock_timestamp() AS now) AS c
ON CONFLICT (workspace, id) DO UPDATE SET
    embedding = excluded.embedding,
    text = excluded.text,
    words = excluded.words,
    metadata = excluded.metadata,
    version = greatest(t.version + 1, excluded.version),
    updated_at = excluded.updated_at/* updates */

-- name: carry
-- Each row comes with the version that it is known to have here, 0 for none. Those that are here
-- are locked in one order, so that no two writers wait for each other.
WITH given AS MATERIALIZED (
    SELECT r.* FROM unnest(
        $2::text[], $3::__EXTENSION__.vector[], $4::text[], $5::text[], $6::jsonb[], $7::bigint[],
        $8::timestamptz[], $9::timestamptz[], $10::bigint[]/* arrays */
    ) AS r (
        id, embedding, text, words, metadata, version, created_at, updated_at, seen/* keys */
    )
), added AS (
    INSERT INTO __SCHEMA__.__TABLE__ AS t
        (workspace, id, embedding, text, words, metadata, version, created_at, updated_at/* keys */)
    SELECT $1, r.id, r.embedding, r.text, /* words */, r.metadata,
        r.version, r.created_at, r.updated_at/* values */
    FROM given AS r WHERE r.seen = 0
    ON CONFLICT (workspace, id) DO NOTHING
    RETURNING t.id
), held AS MATERIALIZED (
    SELECT t.id FROM __SCHEMA__.__TABLE__ AS t JOIN given AS r ON r.id = t.id
    WHERE t.workspace = $1 AND t.version = r.seen
    ORDER BY t.id
    FOR UPDATE OF t
), replaced AS (
    UPDATE __SCHEMA__.__TABLE__ AS t SET
        embedding = r.embedding,
        text = r.text,
        words = /* words */,
        metadata = r.metadata,
        version = r.version,
        created_at = r.created_at,
        updated_at = r.updated_at/* updates */
    FROM given AS r JOIN held USING (id)
    WHERE t.workspace = $1 AND t.id = r.id AND t.version = r.seen
    RETURNING t.id
)
SELECT id FROM added UNION ALL SELECT id FROM replaced

-- name: delete_seen
WITH doomed AS MATERIALIZED (
    SELECT t.id FROM __SCHEMA__.__TABLE__ AS t
    JOIN unnest($2::text[], $3::bigint[]) AS r (id, seen) ON r.id = t.id
    WHERE t.workspace = $1 AND t.version = r.seen
    ORDER BY t.id
    FOR UPDATE OF t
), gone AS (
    DELETE FROM __SCHEMA__.__TABLE__ AS t USING doomed
    WHERE t.workspace = $1 AND t.id = doomed.id
    RETURNING 1
)
SELECT count(*) FROM gone

-- name: get_many
-- A look into the primary key for each id. Of many ids in one condition the server may think that
-- to read through a whole index of the workspace is as quick, while that is small, and keeps to it.
SELECT t.id, t.text, t.metadata, t.version, t.created_at, t.updated_at/* embedding */
FROM unnest($2::text[]) AS k (id)
CROSS JOIN LATERAL (
    SELECT * FROM __SCHEMA__.__TABLE__ AS v WHERE v.workspace = $1 AND v.id = k.id OFFSET 0
) AS t

-- name: lock_metadata
SELECT t.id, t.metadata
FROM __SCHEMA__.__TABLE__ AS t
WHERE t.workspace = $1 AND t.id = ANY ($2::text[])
ORDER BY t.id
FOR UPDATE

-- name: update_metadata
UPDATE __SCHEMA__.__TABLE__ AS t
SET metadata = r.metadata,
    version = greatest(t.version + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint),
    updated_at = clock_timestamp()/* updates */
FROM unnest($2::text[], $3::jsonb[]/* arrays */) AS r (id, metadata/* keys */)
WHERE t.workspace = $1 AND t.id = r.id

-- name: delete_many
WITH doomed AS MATERIALIZED (
    SELECT t.id FROM __SCHEMA__.__TABLE__ AS t
    WHERE t.workspace = $1 AND t.id = ANY ($2::text[])
    ORDER BY t.id
    FOR UPDATE
), gone AS (
    DELETE FROM __SCHEMA__.__TABLE__ AS t USING doomed
    WHERE t.workspace = $1 AND t.id = doomed.id
    RETURNING 1
)
SELECT count(*) FROM gone

-- name: delete_where
WITH gone AS (
    DELETE FROM __SCHEMA__.__TABLE__ AS t WHERE t.workspace = $1 AND /* filter */ RETURNING 1
)
SELECT count(*) FROM gone

-- name: clear
WITH gone AS (DELETE FROM __SCHEMA__.__TABLE__ AS t WHERE t.workspace = $1 RETURNING 1)
SELECT count(*) FROM gone

-- name: count
SELECT count(*) FROM __SCHEMA__.__TABLE__ AS t WHERE t.workspace = $1

-- name: count_where
SELECT count(*) FROM __SCHEMA__.__TABLE__ AS t WHERE t.workspace = $1 AND /* filter */

-- name: count_up_to
SELECT count(*) FROM (
    SELECT FROM __SCHEMA__.__TABLE__ AS t WHERE t.workspace = $1 AND /* filter */ LIMIT $2
) AS bounded

-- name: scan
SELECT t.id, t.text, t.metadata, t.version, t.created_at, t.updated_at/* embedding */
FROM __SCHEMA__.__TABLE__ AS t
WHERE t.workspace = $1 AND t.id > $2::text AND /* filter */
ORDER BY t.id
LIMIT $3

-- name: exact
-- The numbers of rows are written out: a plan for any number of them would look so dear to the
-- server that it would make one anew for each search.
SELECT c.id, c.text, c.metadata, c.distance/* c_embedding */
FROM (
    SELECT t.id, t.text, t.metadata, /* distance */ AS distance/* embedding */
    FROM __SCHEMA__.__TABLE__ AS t
    WHERE t.workspace = $1 AND /* filter */
    OFFSET 0
) AS c
ORDER BY c.distance, c.id
LIMIT /* k */

-- name: nearest
-- The index does not keep to the order that it is asked for: + 0 makes the server sort.
SELECT c.id, c.text, c.metadata, c.distance/* c_embedding */
FROM (
    SELECT t.id, t.text, t.metadata, /* distance */ AS distance/* embedding */
    FROM __SCHEMA__.__TABLE__ AS t
    WHERE t.workspace = $1 AND /* filter */
    ORDER BY /* indexed */
    LIMIT /* candidates */
) AS c
ORDER BY c.distance + 0, c.id
LIMIT /* k */

-- name: for_each
SELECT q.number, h.*
FROM unnest($2::__EXTENSION__.vector[]) WITH ORDINALITY AS q (vector, number)
CROSS JOIN LATERAL (/* search */) AS h

-- name: text
WITH asked AS MATERIALIZED (
    SELECT /* word */ AS word, a.weight
    FROM unnest($4::text[], $5::float8[]) AS a (word, weight)
), ranked AS MATERIALIZED (
    SELECT m.id, s.sum * $6::float8 / ($7::float8 + $8::float8 * length(m.words)) AS score
    FROM (
        -- A copy, so that it is decompressed once and not again for every word asked for.
        SELECT t.id, strip(t.words) AS words
        FROM __SCHEMA__.__TABLE__ AS t
        WHERE t.workspace = $1 AND t.words @@ /* query */ AND /* filter */
        LIMIT $9
    ) AS m
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(a.weight), 0) AS sum FROM asked AS a WHERE m.words @@ a.word
    ) AS s
), best AS (
    SELECT r.id, r.score FROM ranked AS r ORDER BY r.score DESC, r.id LIMIT $3
)
SELECT t.id, t.text, t.metadata, b.score, (SELECT count(*) FROM ranked)
FROM best AS b
JOIN __SCHEMA__.__TABLE__ AS t ON t.workspace = $1 AND t.id = b.id
ORDER BY b.score DESC, t.id

-- name: text_totals
SELECT
    (SELECT count(*) FROM (
        SELECT FROM __SCHEMA__.__TABLE__ AS t WHERE t.workspace = $1 LIMIT $2
    ) AS bounded),
    (SELECT c.reltuples::bigint FROM pg_class AS c WHERE c.oid = $4::text::regclass),
    (SELECT avg(s.length)::float8 FROM (
        SELECT length(t.words) FROM __SCHEMA__.__TABLE__ AS t
        WHERE t.workspace = $1 AND t.words IS NOT NULL LIMIT $3
    ) AS s)

-- name: text_counts
WITH sample AS MATERIALIZED (
    SELECT strip(t.words) AS words FROM __SCHEMA__.__TABLE__ AS t
    WHERE t.workspace = $1 AND t.words IS NOT NULL
    LIMIT $3
), seen AS MATERIALIZED (
    SELECT a.number, /* word */ AS word,
        (SELECT count(*) FROM sample AS s WHERE s.words @@ /* word */) AS records
    FROM unnest($2::text[]) WITH ORDINALITY AS a (word, number)
)
SELECT
    CASE WHEN s.records < $4 THEN (
        SELECT count(*) FROM (
            SELECT FROM __SCHEMA__.__TABLE__ AS t
            WHERE t.workspace = $1 AND t.words @@ s.word
            LIMIT $5
        ) AS bounded
    ) END,
    s.records, (SELECT count(*) FROM sample)
FROM seen AS s
ORDER BY s.number

-- name: index_state
SELECT x.indisvalid AND x.indisready AS ready, i.reloptions AS options,
    greatest(CASE t.relkind WHEN 'p' THEN (
        -- What a search looks at is one partition.
        SELECT avg(p.reltuples) FROM pg_inherits AS h JOIN pg_class AS p ON p.oid = h.inhrelid
        WHERE h.inhparent = t.oid
    ) ELSE t.reltuples END, 0)::bigint AS rows
FROM pg_class AS t
LEFT JOIN pg_class AS i ON i.relnamespace = t.relnamespace AND i.relname = $2
LEFT JOIN pg_index AS x ON x.indexrelid = i.oid AND x.indrelid = t.oid
WHERE t.oid = $1::text::regclass

-- name: index_shape
SELECT x.indisvalid AND x.indisready AS usable, m.amname AS method, o.opcname AS operators,
    i.reloptions AS options
FROM pg_class AS i
JOIN pg_namespace AS n ON n.oid = i.relnamespace
JOIN pg_index AS x ON x.indexrelid = i.oid
JOIN pg_am AS m ON m.oid = i.relam
JOIN pg_opclass AS o ON o.oid = x.indclass[0]
WHERE n.nspname = $1 AND i.relname = $2

-- name: has_rows
SELECT EXISTS (SELECT FROM __SCHEMA__.__TABLE__)

-- name: has_so_many_rows
SELECT count(*) >= $1 FROM (SELECT FROM __SCHEMA__.__TABLE__ LIMIT $1::bigint) AS bounded

-- name: count_all
SELECT count(*) FROM __SCHEMA__.__TABLE__

-- name: lock
LOCK TABLE __SCHEMA__.__TABLE__ IN ACCESS EXCLUSIVE MODE

-- name: drop_index
DROP INDEX IF EXISTS __SCHEMA__.__INDEX__

-- name: analyze
ANALYZE __SCHEMA__.__TABLE__
