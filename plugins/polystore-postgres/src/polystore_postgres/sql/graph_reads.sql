-- Reads of graph stores. $1 is the workspace, always.

-- name: get_nodes
-- A look into the primary key for each id. Of many ids in one condition the server may think that
-- to read through a whole index of the workspace is as quick, while that is small, and keeps to it.
SELECT t.id, t.labels, t.properties, t.version, t.created_at, t.updated_at
FROM unnest($2::text[]) AS k (id)
CROSS JOIN LATERAL (
    SELECT * FROM __SCHEMA__.__NODE__ AS n WHERE n.workspace = $1 AND n.id = k.id OFFSET 0
) AS t

-- name: get_edges
-- A look into the index for each key, as for nodes: a plain join becomes one that reads every edge.
SELECT t.source, t.type, t.target, t.properties, t.version, t.created_at, t.updated_at
FROM unnest($2::text[], $3::text[], $4::text[]) AS k (source, type, target)
CROSS JOIN LATERAL (
    SELECT * FROM __SCHEMA__.__EDGE__ AS e
    WHERE e.workspace = $1
        AND e.source = k.source AND e.type = k.type AND e.target = k.target
    OFFSET 0
) AS t

-- name: edges_out
SELECT source, type, target, properties, version, created_at, updated_at
FROM __SCHEMA__.__EDGE__
WHERE workspace = $1 AND source = ANY ($2::text[])

-- name: edges_out_typed
SELECT source, type, target, properties, version, created_at, updated_at
FROM __SCHEMA__.__EDGE__
WHERE workspace = $1 AND source = ANY ($2::text[]) AND type = ANY ($3::text[])

-- name: edges_in
SELECT source, type, target, properties, version, created_at, updated_at
FROM __SCHEMA__.__EDGE__
WHERE workspace = $1 AND target = ANY ($2::text[])

-- name: edges_in_typed
SELECT source, type, target, properties, version, created_at, updated_at
FROM __SCHEMA__.__EDGE__
WHERE workspace = $1 AND target = ANY ($2::text[]) AND type = ANY ($3::text[])

-- name: edges_both
SELECT true AS outgoing,
    source, type, target, properties, version, created_at, updated_at
FROM __SCHEMA__.__EDGE__
WHERE workspace = $1 AND source = ANY ($2::text[])
UNION ALL
SELECT false,
    source, type, target, properties, version, created_at, updated_at
FROM __SCHEMA__.__EDGE__
WHERE workspace = $1 AND target = ANY ($2::text[]) AND source <> target

-- name: edges_both_typed
SELECT true AS outgoing,
    source, type, target, properties, version, created_at, updated_at
FROM __SCHEMA__.__EDGE__
WHERE workspace = $1 AND source = ANY ($2::text[]) AND type = ANY ($3::text[])
UNION ALL
SELECT false,
    source, type, target, properties, version, created_at, updated_at
FROM __SCHEMA__.__EDGE__
WHERE workspace = $1 AND target = ANY ($2::text[]) AND type = ANY ($3::text[])
    AND source <> target

-- name: scan_edges
SELECT source, type, target, properties, version, created_at, updated_at
FROM __SCHEMA__.__EDGE__
WHERE workspace = $1
ORDER BY source, type, target
LIMIT $2

-- name: scan_edges_after
SELECT source, type, target, properties, version, created_at, updated_at
FROM __SCHEMA__.__EDGE__
WHERE workspace = $1 AND (source, type, target) > ($3, $4, $5)
ORDER BY source, type, target
LIMIT $2

-- name: counts
SELECT (SELECT count(*) FROM __SCHEMA__.__NODE__ WHERE workspace = $1) AS nodes,
    (SELECT count(*) FROM __SCHEMA__.__EDGE__ WHERE workspace = $1) AS edges

-- name: count_nodes
SELECT count(*) FROM __SCHEMA__.__NODE__ WHERE workspace = $1

-- name: neighbors_out
-- The columns read all stand in the indexes, so that no row of the table is fetched.
SELECT DISTINCT source AS via, target AS reached FROM __SCHEMA__.__EDGE__
WHERE workspace = $1 AND source = ANY ($2::text[])
    AND ($3::text[] IS NULL OR type = ANY ($3::text[]))
ORDER BY via, reached

-- name: neighbors_in
SELECT DISTINCT target AS via, source AS reached FROM __SCHEMA__.__EDGE__
WHERE workspace = $1 AND target = ANY ($2::text[])
    AND ($3::text[] IS NULL OR type = ANY ($3::text[]))
ORDER BY via, reached

-- name: neighbors_both
SELECT source AS via, target AS reached FROM __SCHEMA__.__EDGE__
WHERE workspace = $1 AND source = ANY ($2::text[])
    AND ($3::text[] IS NULL OR type = ANY ($3::text[]))
UNION
SELECT target AS via, source AS reached FROM __SCHEMA__.__EDGE__
WHERE workspace = $1 AND target = ANY ($2::text[])
    AND ($3::text[] IS NULL OR type = ANY ($3::text[]))
ORDER BY via, reached

-- name: degrees_out
SELECT a.id, (
    SELECT count(*) FROM __SCHEMA__.__EDGE__ AS e WHERE e.workspace = $1 AND e.source = a.id
) AS degree
FROM unnest($2::text[]) AS a (id)

-- name: degrees_in
SELECT a.id, (
    SELECT count(*) FROM __SCHEMA__.__EDGE__ AS e WHERE e.workspace = $1 AND e.target = a.id
) AS degree
FROM unnest($2::text[]) AS a (id)

-- name: degrees_both
SELECT a.id, (
    SELECT count(*) FROM __SCHEMA__.__EDGE__ AS e WHERE e.workspace = $1 AND e.source = a.id
) + (
    SELECT count(*) FROM __SCHEMA__.__EDGE__ AS e WHERE e.workspace = $1 AND e.target = a.id
) AS degree
FROM unnest($2::text[]) AS a (id)

-- name: top_out
SELECT n.id, coalesce(d.degree, 0) AS degree
FROM __SCHEMA__.__NODE__ AS n
LEFT JOIN (
    SELECT source AS id, count(*) AS degree
    FROM __SCHEMA__.__EDGE__ WHERE workspace = $1 GROUP BY source
) AS d ON d.id = n.id
WHERE n.workspace = $1
ORDER BY degree DESC, n.id
LIMIT $2

-- name: top_in
SELECT n.id, coalesce(d.degree, 0) AS degree
FROM __SCHEMA__.__NODE__ AS n
LEFT JOIN (
    SELECT target AS id, count(*) AS degree
    FROM __SCHEMA__.__EDGE__ WHERE workspace = $1 GROUP BY target
) AS d ON d.id = n.id
WHERE n.workspace = $1
ORDER BY degree DESC, n.id
LIMIT $2

-- name: top_both
SELECT n.id, coalesce(d.degree, 0) AS degree
FROM __SCHEMA__.__NODE__ AS n
LEFT JOIN (
    SELECT ends.id, count(*) AS degree
    FROM (
        SELECT source AS id FROM __SCHEMA__.__EDGE__ WHERE workspace = $1
        UNION ALL
        SELECT target FROM __SCHEMA__.__EDGE__ WHERE workspace = $1
    ) AS ends
    GROUP BY ends.id
) AS d ON d.id = n.id
WHERE n.workspace = $1
ORDER BY degree DESC, n.id
LIMIT $2

-- name: edges_among
SELECT source, type, target, properties, version, created_at, updated_at
FROM __SCHEMA__.__EDGE__
WHERE workspace = $1 AND source = ANY ($2::text[]) AND target = ANY ($2::text[])
ORDER BY source, type, target

-- name: ring_out
-- What one step from $2 reaches beyond $3, the best $4 by degree.
WITH ends AS (
    SELECT target AS id FROM __SCHEMA__.__EDGE__
    WHERE workspace = $1 AND source = ANY ($2::text[])
        AND ($5::text[] IS NULL OR type = ANY ($5::text[]))
), fresh AS MATERIALIZED (
    SELECT DISTINCT id FROM ends WHERE id <> ALL ($3::text[])
), degrees AS (
    SELECT source AS id, count(*) AS degree FROM __SCHEMA__.__EDGE__
    WHERE workspace = $1 AND source = ANY (ARRAY(SELECT id FROM fresh))
    GROUP BY source
    UNION ALL
    SELECT target, count(*) FROM __SCHEMA__.__EDGE__
    WHERE workspace = $1 AND target = ANY (ARRAY(SELECT id FROM fresh))
    GROUP BY target
)
SELECT id, sum(degree) AS degree FROM degrees GROUP BY id ORDER BY degree DESC, id LIMIT $4

-- name: ring_in
-- What one step from $2 reaches beyond $3, the best $4 by degree.
WITH ends AS (
    SELECT source AS id FROM __SCHEMA__.__EDGE__
    WHERE workspace = $1 AND target = ANY ($2::text[])
        AND ($5::text[] IS NULL OR type = ANY ($5::text[]))
), fresh AS MATERIALIZED (
    SELECT DISTINCT id FROM ends WHERE id <> ALL ($3::text[])
), degrees AS (
    SELECT source AS id, count(*) AS degree FROM __SCHEMA__.__EDGE__
    WHERE workspace = $1 AND source = ANY (ARRAY(SELECT id FROM fresh))
    GROUP BY source
    UNION ALL
    SELECT target, count(*) FROM __SCHEMA__.__EDGE__
    WHERE workspace = $1 AND target = ANY (ARRAY(SELECT id FROM fresh))
    GROUP BY target
)
SELECT id, sum(degree) AS degree FROM degrees GROUP BY id ORDER BY degree DESC, id LIMIT $4

-- name: ring_both
-- What one step from $2 reaches beyond $3, the best $4 by degree.
WITH ends AS (
    SELECT target AS id FROM __SCHEMA__.__EDGE__
    WHERE workspace = $1 AND source = ANY ($2::text[])
        AND ($5::text[] IS NULL OR type = ANY ($5::text[]))
    UNION
    SELECT source AS id FROM __SCHEMA__.__EDGE__
    WHERE workspace = $1 AND target = ANY ($2::text[])
        AND ($5::text[] IS NULL OR type = ANY ($5::text[]))
), fresh AS MATERIALIZED (
    SELECT DISTINCT id FROM ends WHERE id <> ALL ($3::text[])
), degrees AS (
    SELECT source AS id, count(*) AS degree FROM __SCHEMA__.__EDGE__
    WHERE workspace = $1 AND source = ANY (ARRAY(SELECT id FROM fresh))
    GROUP BY source
    UNION ALL
    SELECT target, count(*) FROM __SCHEMA__.__EDGE__
    WHERE workspace = $1 AND target = ANY (ARRAY(SELECT id FROM fresh))
    GROUP BY target
)
SELECT id, sum(degree) AS degree FROM degrees GROUP BY id ORDER BY degree DESC, id LIMIT $4

-- name: step_out
-- What one step from $2 reaches, each by the smallest node and then the smallest edge.
SELECT DISTINCT ON (s.reached) s.reached, s.via, s.source, s.type, s.target
FROM (
    SELECT target AS reached, source AS via, type, source, target
    FROM __SCHEMA__.__EDGE__
    WHERE workspace = $1 AND source = ANY ($2::text[])
        AND ($3::text[] IS NULL OR type = ANY ($3::text[]))
) AS s
ORDER BY s.reached, s.via, s.type, s.source, s.target

-- name: step_in
-- What one step from $2 reaches, each by the smallest node and then the smallest edge.
SELECT DISTINCT ON (s.reached) s.reached, s.via, s.source, s.type, s.target
FROM (
    SELECT source AS reached, target AS via, type, source, target
    FROM __SCHEMA__.__EDGE__
    WHERE workspace = $1 AND target = ANY ($2::text[])
        AND ($3::text[] IS NULL OR type = ANY ($3::text[]))
) AS s
ORDER BY s.reached, s.via, s.type, s.source, s.target

-- name: step_both
-- What one step from $2 reaches, each by the smallest node and then the smallest edge.
SELECT DISTINCT ON (s.reached) s.reached, s.via, s.source, s.type, s.target
FROM (
    SELECT target AS reached, source AS via, type, source, target
    FROM __SCHEMA__.__EDGE__
    WHERE workspace = $1 AND source = ANY ($2::text[])
        AND ($3::text[] IS NULL OR type = ANY ($3::text[]))
    UNION ALL
    SELECT source AS reached, target AS via, type, source, target
    FROM __SCHEMA__.__EDGE__
    WHERE workspace = $1 AND target = ANY ($2::text[])
        AND ($3::text[] IS NULL OR type = ANY ($3::text[]))
) AS s
ORDER BY s.reached, s.via, s.type, s.source, s.target

-- name: labels_beginning
SELECT id, folded = $2 AS equal
FROM __SCHEMA__.__NODE__
WHERE workspace = $1 AND folded >= $2 AND folded < $4
ORDER BY folded <> $2, id
LIMIT $3

-- name: labels_from
-- Where no text lies above every text that begins with $2.
SELECT id, folded = $2 AS equal
FROM __SCHEMA__.__NODE__
WHERE workspace = $1 AND folded >= $2
ORDER BY folded <> $2, id
LIMIT $3

-- name: labels_containing
SELECT id
FROM __SCHEMA__.__NODE__
WHERE workspace = $1 AND strpos(folded, $2) > 1
ORDER BY id
LIMIT $3

-- name: labels_containing_trigram
SELECT id
FROM __SCHEMA__.__NODE__
WHERE workspace = $1 AND folded LIKE $4 AND strpos(folded, $2) > 1
ORDER BY id
LIMIT $3

-- name: labels_similar
SELECT id, __TRIGRAM__.similarity(folded, $2) AS score
FROM __SCHEMA__.__NODE__
WHERE workspace = $1 AND folded OPERATOR(__TRIGRAM__.%) $2 AND strpos(folded, $2) = 0
    AND __TRIGRAM__.similarity(folded, $2) >= 0.3::real
ORDER BY score DESC, id
LIMIT $3
