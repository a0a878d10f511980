// name: upsert_nodes
UNWIND $rows AS row
MERGE (n:{label} {ws: $ws, id: row.id})
  ON CREATE SET n.created = $now
SET n.version = CASE WHEN n.version >= $now THEN n.version + 1 ELSE $now END,
    n.updated = $now, n.labels = row.labels, n.json = row.json, n.fold = row.fold, n.tenant = $tenant

// name: create_ends
UNWIND $rows AS row
MERGE (n:{label} {ws: $ws, id: row.id})
  ON CREATE SET n.created = $now, n.version = $now, n.updated = $now, n.labels = [], n.json = '{}',
    n.fold = row.fold, n.tenant = $tenant

// name: absent
UNWIND $ids AS id
OPTIONAL MATCH (n:{label} {ws: $ws, id: id})
WITH id, n WHERE n IS NULL
RETURN id

// name: upsert_edges
UNWIND $rows AS row
MATCH (a:{label} {ws: $ws, id: row.source})
MATCH (b:{label} {ws: $ws, id: row.target})
MERGE (a)-[e:{label} {ws: $ws, source: row.source, type: row.type, target: row.target}]->(b)
  ON CREATE SET e.created = $now
SET e.version = CASE WHEN e.version >= $now THEN e.version + 1 ELSE $now END,
    e.updated = $now, e.json = row.json
RETURN count(*) AS stored

// name: get_nodes
UNWIND $ids AS id
MATCH (n:{label} {ws: $ws, id: id})
RETURN n.id, n.labels, n.json, n.version, n.created, n.updated

// name: get_edges
UNWIND $keys AS key
MATCH (a:{label} {ws: $ws, id: key[0]})-[e:{label}]->(b:{label} {ws: $ws, id: key[2]})
WHERE e.type = key[1]
RETURN e.source, e.type, e.target, e.json, e.version, e.created, e.updated

// name: attached
UNWIND $ids AS id
MATCH (n:{label} {ws: $ws, id: id})
WHERE EXISTS { (n)-[:{label}]-() }
RETURN id

// name: delete_nodes
UNWIND $ids AS id
MATCH (n:{label} {ws: $ws, id: id})
DETACH DELETE n
RETURN count(*) AS deleted

// name: delete_lone_nodes
UNWIND $ids AS id
MATCH (n:{label} {ws: $ws, id: id})
DELETE n
RETURN count(*) AS deleted

// name: delete_edges
UNWIND $keys AS key
MATCH (a:{label} {ws: $ws, id: key[0]})-[e:{label}]->(b:{label} {ws: $ws, id: key[2]})
WHERE e.type = key[1]
DELETE e
RETURN count(*) AS deleted

// name: edges_of
UNWIND $ids AS id
MATCH (n:{label} {ws: $ws, id: id}){pattern}
WHERE $types IS NULL OR e.type IN $types
RETURN DISTINCT id, e.source, e.type, e.target, e.json, e.version, e.created, e.updated

// name: neighbors
UNWIND $ids AS id
MATCH (n:{label} {ws: $ws, id: id}){pattern}
WHERE $types IS NULL OR e.type IN $types
RETURN id, collect(DISTINCT m.id)

// name: degrees
UNWIND $ids AS id
MATCH (n:{label} {ws: $ws, id: id})
RETURN id, {degree}

// name: top_nodes
MATCH (n:{label})
WHERE n.ws = $ws AND n.id >= ''
WITH n.id AS id, {degree} AS degree
RETURN id, degree ORDER BY degree DESC, id LIMIT $k

// name: edges_among
UNWIND $ids AS id
MATCH (n:{label} {ws: $ws, id: id})-[e:{label}]->(m)
WHERE m.id IN $ids
RETURN e.source, e.type, e.target, e.json, e.version, e.created, e.updated

// name: scan_nodes
MATCH (n:{label})
WHERE n.ws = $ws AND n.id > $after
RETURN n.id, n.labels, n.json, n.version, n.created, n.updated
ORDER BY n.id SKIP $skip LIMIT $limit

// name: scan_edges
MATCH (n:{label})
WHERE n.ws = $ws AND n.id >= $after
WITH n ORDER BY n.id
MATCH (n)-[e:{label}]->()
WHERE n.id > $after OR e.type > $type OR (e.type = $type AND e.target > $target)
RETURN e.source, e.type, e.target, e.json, e.version, e.created, e.updated
ORDER BY n.id, e.type, e.target LIMIT $limit

// name: counts
MATCH (n:{label})
WHERE n.ws = $ws AND n.id >= ''
RETURN count(n), sum(COUNT { (n)-[:{label}]->() })

// name: clear
MATCH (n:{label})
WHERE n.ws = $ws AND n.id >= ''
WITH n LIMIT $limit
OPTIONAL MATCH (n)-[r:{label}]-()
WITH collect(DISTINCT n) AS nodes, count(DISTINCT r) AS edges
FOREACH (n IN nodes | DETACH DELETE n)
RETURN size(nodes), edges

// name: labels_like
MATCH (n:{label})
WHERE n.ws = $ws AND n.fold CONTAINS $text
RETURN n.id
ORDER BY CASE WHEN n.fold = $text THEN 0 WHEN n.fold STARTS WITH $text THEN 1 ELSE 2 END, n.id
LIMIT $limit

// name: labels_near
CALL db.index.fulltext.queryNodes($index, $question, {limit: $limit}) YIELD node, score
WHERE node.ws = $ws
RETURN node.id

// name: workspaces
MATCH (n:{label}) RETURN DISTINCT n.ws
