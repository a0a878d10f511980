-- Graph stores. $1 is the workspace, always. /* keys */ and the like are filled by graph_sql.py
-- with the sort key columns of declared fields.

-- name: upsert_nodes
WITH moment AS MATERIALIZED (
    SELECT at, (extract(epoch FROM at) * 1000000)::bigint AS version
    FROM (SELECT clock_timestamp() AS at) AS clock
)
INSERT INTO __SCHEMA__.__NODE__ AS t
    (workspace, id, folded, labels, properties, version, created_at, updated_at/* keys */)
SELECT $1, r.id, r.folded, r.labels::text[], r.properties, m.version, m.at, m.at/* values */
FROM unnest($2::text[], $3::text[], $4::text[], $5::jsonb[]/* arrays */)
    AS r (id, folded, labels, properties/* keys */), moment AS m
ORDER BY r.id COLLATE "C"
ON CONFLICT (workspace, id) DO UPDATE SET
    labels = excluded.labels,
    properties = excluded.properties,
    version = greatest(t.version + 1, excluded.version),
    updated_at = excluded.updated_at/* updates */

-- name: upsert_edges_create
-- $6 are the ends that may be missing.
WITH moment AS MATERIALIZED (
    SELECT at, (extract(epoch FROM at) * 1000000)::bigint AS version
    FROM (SELECT clock_timestamp() AS at) AS clock
), made AS (
    INSERT INTO __SCHEMA__.__NODE__
        (workspace, id, folded, labels, properties, version, created_at, updated_at/* keys */)
    SELECT $1, e.id, e.folded, '{}', '{}', m.version, m.at, m.at/* missing */
    FROM unnest($6::text[], $7::text[]) AS e (id, folded), moment AS m
    WHERE (
        SELECT n.id FROM __SCHEMA__.__NODE__ AS n WHERE n.workspace = $1 AND n.id = e.id
    ) IS NULL
    ORDER BY e.id COLLATE "C"
    ON CONFLICT DO NOTHING
)
INSERT INTO __SCHEMA__.__EDGE__ AS t
    (workspace, source, type, target, properties, version, created_at, updated_at)
SELECT $1, r.source, r.type, r.target, r.properties, m.version, m.at, m.at
FROM unnest($2::text[], $3::text[], $4::text[], $5::jsonb[])
    AS r (source, type, target, properties), moment AS m
ORDER BY r.source COLLATE "C", r.type COLLATE "C", r.target COLLATE "C"
ON CONFLICT (workspace, source, type, target) DO UPDATE SET
    properties = excluded.properties,
    version = greatest(t.version + 1, excluded.version),
    updated_at = excluded.updated_at

-- name: upsert_edges_refuse
-- Returns the ends that are missing; nothing is stored if there are any.
WITH moment AS MATERIALIZED (
    SELECT at, (extract(epoch FROM at) * 1000000)::bigint AS version
    FROM (SELECT clock_timestamp() AS at) AS clock
), missing AS MATERIALIZED (
    SELECT e.id
    FROM (SELECT unnest($2::text[]) UNION SELECT unnest($4::text[])) AS e (id)
    -- A look into the index for each end: of NOT EXISTS the server makes a join, for which it may
    -- read every node of the workspace.
    WHERE (
        SELECT n.id FROM __SCHEMA__.__NODE__ AS n WHERE n.workspace = $1 AND n.id = e.id
    ) IS NULL
), stored AS (
    INSERT INTO __SCHEMA__.__EDGE__ AS t
        (workspace, source, type, target, properties, version, created_at, updated_at)
    SELECT $1, r.source, r.type, r.target, r.properties, m.version, m.at, m.at
    FROM unnest($2::text[], $3::text[], $4::text[], $5::jsonb[])
        AS r (source, type, target, properties), moment AS m
    WHERE NOT EXISTS (SELECT FROM missing)
    ORDER BY r.source COLLATE "C", r.type COLLATE "C", r.target COLLATE "C"
    ON CONFLICT (workspace, source, type, target) DO UPDATE SET
        properties = excluded.properties,
        version = greatest(t.version + 1, excluded.version),
        updated_at = excluded.updated_at
)
SELECT id FROM missing ORDER BY id COLLATE "C"

-- name: attached
-- A look into the index for each: for EXISTS the server may read every edge of the workspace.
SELECT a.id FROM unnest($2::text[]) AS a (id)
WHERE coalesce(
    (SELECT true FROM __SCHEMA__.__EDGE__ AS e WHERE e.workspace = $1 AND e.source = a.id LIMIT 1),
    (SELECT true FROM __SCHEMA__.__EDGE__ AS e WHERE e.workspace = $1 AND e.target = a.id LIMIT 1),
    false
)
ORDER BY a.id COLLATE "C"

-- name: detach
-- In order of key, as everybody locks edges. The row's place cannot change any more: nobody but
-- us writes edges of these nodes now, and ours are locked.
DELETE FROM __SCHEMA__.__EDGE__ WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM __SCHEMA__.__EDGE__
    WHERE workspace = $1 AND (source = ANY ($2::text[]) OR target = ANY ($2::text[]))
    ORDER BY source, type, target
    FOR UPDATE
))

-- name: delete_nodes
DELETE FROM __SCHEMA__.__NODE__ WHERE workspace = $1 AND id = ANY (ARRAY(
    SELECT id FROM __SCHEMA__.__NODE__
    WHERE workspace = $1 AND id = ANY ($2::text[])
    ORDER BY id
    FOR UPDATE
))

-- name: delete_edges
-- Locked in order of key, whatever the plan: a join may come in any. Deleted by key and not by
-- place, as who was waited for has moved the row to where this statement does not look.
WITH held AS MATERIALIZED (
    SELECT t.source, t.type, t.target
    FROM unnest($2::text[], $3::text[], $4::text[]) AS k (source, type, target)
    JOIN __SCHEMA__.__EDGE__ AS t
        ON t.workspace = $1 AND t.source = k.source AND t.type = k.type AND t.target = k.target
    ORDER BY t.source, t.type, t.target
    FOR UPDATE OF t
)
DELETE FROM __SCHEMA__.__EDGE__ AS t
USING held AS h
WHERE t.workspace = $1 AND t.source = h.source AND t.type = h.type AND t.target = h.target

-- name: hold_ends
-- Fails where the transaction's snapshot still has a node that is gone by now.
SELECT count(*) FROM (
    SELECT FROM __SCHEMA__.__NODE__
    WHERE workspace = $1 AND id = ANY ($2::text[])
    ORDER BY id
    FOR KEY SHARE
) AS held

-- name: hold_edges
SELECT count(*) FROM (
    SELECT FROM unnest($2::text[], $3::text[], $4::text[]) AS k (source, type, target)
    JOIN __SCHEMA__.__EDGE__ AS t
        ON t.workspace = $1 AND t.source = k.source AND t.type = k.type AND t.target = k.target
    ORDER BY t.source, t.type, t.target
    FOR NO KEY UPDATE OF t
) AS held

-- name: has_other_edges
-- Asked outside the transaction $2, which has deleted all edges of these nodes that it sees: it
-- stands in those rows as the one that deletes them, and in no others.
SELECT EXISTS (
    SELECT FROM __SCHEMA__.__EDGE__
    WHERE workspace = $1 AND source = ANY ($3::text[]) AND xmax <> $2::text::xid
) OR EXISTS (
    SELECT FROM __SCHEMA__.__EDGE__
    WHERE workspace = $1 AND target = ANY ($3::text[]) AND xmax <> $2::text::xid
)

-- name: has_any_other_edges
SELECT EXISTS (
    SELECT FROM __SCHEMA__.__EDGE__ WHERE workspace = $1 AND xmax <> $2::text::xid
)

-- name: clear_edges
DELETE FROM __SCHEMA__.__EDGE__ WHERE workspace = $1

-- name: clear_nodes
-- In order of id, as everybody locks nodes.
WITH held AS MATERIALIZED (
    SELECT id FROM __SCHEMA__.__NODE__ WHERE workspace = $1 ORDER BY id FOR UPDATE
)
DELETE FROM __SCHEMA__.__NODE__ AS t USING held AS h WHERE t.workspace = $1 AND t.id = h.id
