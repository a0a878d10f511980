// Neo4j takes a node's lock when it is changed or deleted, and those of an edge's ends when the edge
// is written or, in an order of its own, when that is committed. Two writers that took what they
// share in two orders would wait for each other. So whatever changes nodes or edges takes the nodes
// first, in order of id: `REMOVE n.source` does, and changes nothing, for no node has a `source`.
// (To set several properties takes a lock on the node's edges before the one on the node; to set one
// does not, so a node that is stored anew is taken by its JSON, and its stamp is read after that.)

// What is read comes as one list of rows in one record (two, of a union): a driver takes a record
// at a time out of the stream, which costs a client more than all the rest.

// name: create_nodes
UNWIND $rows AS row
CREATE (n:{label} {
  ws: $ws, id: row.id, stamp: $new, labels: row.labels, json: row.json, fold: row.fold,
  near: row.near, shape: {shape}{new_fields}
})

// name: upsert_nodes
UNWIND $rows AS row
MERGE (n:{label} {ws: $ws, id: row.id})
  ON CREATE SET n.fold = row.fold, n.near = row.near
SET n.json = row.json
WITH n, row, n.stamp AS old
SET n.stamp = CASE
      WHEN old IS NULL THEN $new
      WHEN old[0] >= $now THEN [old[0] + 1, old[1], $now]
      ELSE [$now, old[1], $now]
    END,
    n.labels = row.labels, n.shape = {shape}{fields}
RETURN count(CASE WHEN old IS NULL THEN 1 END) AS new

// name: absent
UNWIND $ids AS id
OPTIONAL MATCH (n:{label} {ws: $ws, id: id})
WITH id, n WHERE n IS NULL
RETURN collect([id])

// name: create_edges
{hold}
WITH collect(n) AS ends WHERE size(ends) = size($ends)
UNWIND $rows AS row
WITH row, ends[row.from] AS a, ends[row.to] AS b
CREATE (a)-[e:{label} {
  ws: $ws, source: row.source, type: row.type, target: row.target, stamp: $new, json: row.json
}]->(b)
RETURN count(*) AS stored

// name: upsert_edges
{hold}
WITH collect(n) AS ends WHERE size(ends) = size($ends)
UNWIND $rows AS row
WITH row, ends[row.from] AS a, ends[row.to] AS b
MERGE (a)-[e:{label} {ws: $ws, source: row.source, type: row.type, target: row.target}]->(b)
WITH e, row, e.stamp AS old
SET e.stamp = CASE
      WHEN old IS NULL THEN $new
      WHEN old[0] >= $now THEN [old[0] + 1, old[1], $now]
      ELSE [$now, old[1], $now]
    END,
    e.json = row.json
RETURN count(*) AS stored, count(CASE WHEN old IS NULL THEN 1 END) AS new

// name: hold
UNWIND range(0, size($ends) - 1) AS at
MATCH (n:{label} {ws: $ws, id: $ends[at]})
REMOVE n.source
WITH n ORDER BY at

// name: hold_or_create
UNWIND range(0, size($ends) - 1) AS at
WITH at, $ends[at] AS end
MERGE (n:{label} {ws: $ws, id: end.id})
  ON CREATE SET n.stamp = $new, n.json = '{}', n.fold = end.fold, n.near = end.near,
    n.shape = {shape}
REMOVE n.source
WITH n ORDER BY at

// name: get_nodes
UNWIND $ids AS id
MATCH (n:{label} {ws: $ws, id: id})
RETURN collect([n.id, n.labels, n.json, n.stamp])

// name: get_edges
UNWIND range(0, size($keys) - 1) AS at
WITH at, $keys[at] AS key
MATCH ()-[e:{label}]->()
USING INDEX SEEK e:{label}(ws, source, type, target)
WHERE e.ws = $ws AND e.source = key[0] AND e.type = key[1] AND e.target = key[2]
RETURN collect([at, e.json, e.stamp])

// name: delete_nodes
UNWIND $ids AS id
MATCH (n:{label} {ws: $ws, id: id})
OPTIONAL MATCH (n)-[:{label}]-(m)
UNWIND CASE WHEN m IS NULL THEN [n] ELSE [n, m] END AS end
WITH DISTINCT n, end ORDER BY end.id
REMOVE end.source
WITH collect(DISTINCT n) AS nodes
UNWIND nodes AS n
DETACH DELETE n
RETURN count(*) AS deleted

// name: delete_lone_nodes
UNWIND $ids AS id
MATCH (n:{label} {ws: $ws, id: id})
REMOVE n.source
WITH collect(n) AS nodes
WITH nodes, [n IN nodes WHERE EXISTS { (n)-[:{label}]-() } | n.id] AS held
FOREACH (n IN CASE WHEN size(held) = 0 THEN nodes ELSE [] END | DELETE n)
RETURN size(nodes), held

// name: delete_edges
{hold}
WITH count(n) AS held
UNWIND $keys AS key
MATCH ()-[e:{label}]->()
USING INDEX SEEK e:{label}(ws, source, type, target)
WHERE e.ws = $ws AND e.source = key[0] AND e.type = key[1] AND e.target = key[2]
DELETE e
RETURN count(*) AS deleted

// name: edges_of
UNWIND $ids AS id
MATCH (n:{label} {ws: $ws, id: id}){pattern}
{types}
RETURN collect([id, e.source, e.type, e.target, e.json, e.stamp])

// name: neighbors
UNWIND $ids AS id
MATCH (n:{label} {ws: $ws, id: id}){pattern}
{types}
WITH DISTINCT id, m
WITH id, collect(m.id) AS found
RETURN collect([id, found])

// name: degrees
UNWIND $ids AS id
MATCH (n:{label} {ws: $ws, id: id})
RETURN collect([id, {degree}])

// name: top_nodes
MATCH (n:{label})
USING INDEX SEEK n:{label}(ws, id)
WHERE n.ws = $ws AND n.id IS NOT NULL
WITH n.id AS id, {degree} AS degree ORDER BY degree DESC, id LIMIT $k
RETURN collect([id, degree])

// name: ring
UNWIND $ids AS id
MATCH (s:{label} {ws: $ws, id: id})
WITH collect(s) AS starts
UNWIND starts AS s
MATCH (s){pattern}
{types}
WITH DISTINCT m AS n
WITH n, {degree} AS degree
WITH n, n.id AS id, degree ORDER BY degree DESC, id LIMIT $limit + size($seen)
WITH n, id, degree WHERE NOT id IN $seen
WITH n, id, degree ORDER BY degree DESC, id LIMIT $limit
RETURN collect([id, n.labels, n.json, n.stamp, degree])

// name: edges_among
UNWIND $ids AS id
MATCH (n:{label} {ws: $ws, id: id})
WITH collect(n) AS nodes
UNWIND nodes AS n
MATCH (n)-[e:{label}]->(m)
WHERE m IN nodes
RETURN collect([e.source, e.type, e.target, e.json, e.stamp])

// name: scan_nodes
MATCH (n:{label})
USING INDEX SEEK n:{label}(ws, id)
WHERE n.ws = $ws AND n.id > $after
WITH n ORDER BY n.ws, n.id SKIP $skip LIMIT $limit
RETURN collect([n.id, n.labels, n.json, n.stamp])

// name: scan_matching
MATCH (n:{label})
USING INDEX SEEK n:{label}(ws, id)
WHERE n.ws = $ws AND n.id > $after AND {condition}
WITH n ORDER BY n.ws, n.id LIMIT $limit
RETURN collect([n.id, n.labels, n.json, n.stamp])

// name: find_declared
MATCH (n:{label})
USING INDEX n:{label}(ws, {field}, id)
WHERE n.ws = $ws AND {narrow} AND n.id > $after AND n.shape >= {shape}{condition}
WITH n ORDER BY {order} LIMIT $limit
RETURN collect([n.id, n.labels, n.json, n.stamp]) AS rows
UNION ALL
MATCH (n:{label})
USING INDEX n:{label}(shape, ws)
WHERE n.shape IN range(0, {shape} - 1) AND n.ws = $ws AND n.id > $after
WITH n ORDER BY n.id LIMIT $limit
RETURN collect([n.id, n.labels, n.json, n.stamp]) AS rows

// name: scan_edges_from
MATCH ()-[e:{label}]->()
USING INDEX SEEK e:{label}(ws, source, type, target)
WHERE e.ws = $ws AND e.source > $source AND e.type IS NOT NULL AND e.target IS NOT NULL
WITH e ORDER BY e.ws, e.source, e.type, e.target LIMIT $limit
RETURN collect([e.source, e.type, e.target, e.json, e.stamp])

// name: scan_edges_of_source
MATCH ()-[e:{label}]->()
USING INDEX SEEK e:{label}(ws, source, type, target)
WHERE e.ws = $ws AND e.source = $source AND e.type > $type AND e.target IS NOT NULL
WITH e ORDER BY e.ws, e.source, e.type, e.target LIMIT $limit
RETURN collect([e.source, e.type, e.target, e.json, e.stamp])

// name: scan_edges_of_type
MATCH ()-[e:{label}]->()
USING INDEX SEEK e:{label}(ws, source, type, target)
WHERE e.ws = $ws AND e.source = $source AND e.type = $type AND e.target > $target
WITH e ORDER BY e.ws, e.source, e.type, e.target LIMIT $limit
RETURN collect([e.source, e.type, e.target, e.json, e.stamp])

// name: counts
MATCH (n:{label})
USING INDEX SEEK n:{label}(ws, id)
WHERE n.ws = $ws AND n.id IS NOT NULL
WITH count(n) AS nodes
OPTIONAL MATCH ()-[e:{label}]->()
USING INDEX SEEK e:{label}(ws, source, type, target)
WHERE e.ws = $ws AND e.source IS NOT NULL AND e.type IS NOT NULL AND e.target IS NOT NULL
WITH nodes, count(e) AS edges
RETURN [[nodes, edges]]

// name: clear_edges
MATCH ()-[e:{label}]->()
USING INDEX SEEK e:{label}(ws, source, type, target)
WHERE e.ws = $ws AND e.source IS NOT NULL AND e.type IS NOT NULL AND e.target IS NOT NULL
WITH e LIMIT $limit
UNWIND [startNode(e), endNode(e)] AS end
WITH e, end ORDER BY end.id
REMOVE end.source
WITH collect(DISTINCT e) AS edges
UNWIND edges AS e
WITH e WHERE e.ws = $ws
DELETE e
RETURN count(*) AS deleted

// name: clear_nodes
MATCH (n:{label})
USING INDEX SEEK n:{label}(ws, id)
WHERE n.ws = $ws AND n.id IS NOT NULL
WITH n LIMIT $limit
REMOVE n.source
DETACH DELETE n
RETURN count(*) AS deleted

// name: labels_containing
CALL db.index.fulltext.queryNodes($index, $question) YIELD node AS n
WHERE n.ws = $ws
WITH n.id AS id, {fold} AS fold
WHERE fold CONTAINS $text
WITH id, fold ORDER BY {rank}, id LIMIT $limit
RETURN collect([id])

// name: labels_scanned
MATCH (n:{label})
USING INDEX SEEK n:{label}(ws, id)
WHERE n.ws = $ws AND n.id IS NOT NULL
WITH n.id AS id, {fold} AS fold
WHERE fold CONTAINS $text
WITH id, fold ORDER BY {rank}, id LIMIT $limit
RETURN collect([id])

// name: labels_near
CALL db.index.fulltext.queryNodes($index, $question, {limit: $limit}) YIELD node
WHERE node.ws = $ws
RETURN collect([node.id])

// name: workspaces
MATCH (n:{label})
USING INDEX SEEK n:{label}(ws, id)
WHERE n.ws > $after AND n.id IS NOT NULL
WITH n.ws AS ws ORDER BY n.ws LIMIT $limit
RETURN DISTINCT ws ORDER BY ws

// name: out_of_shape
MATCH (n:{label})
WHERE n.shape IN range(0, {shape} - 1) AND n.ws IS NOT NULL
RETURN n.ws, n.id, n.json, n.stamp[0] LIMIT $limit

// name: count_out_of_shape
MATCH (n:{label})
WHERE n.shape IN range(0, {shape} - 1) AND n.ws IS NOT NULL
RETURN count(*)

// name: reshape
UNWIND $rows AS row
MATCH (n:{label} {ws: row.ws, id: row.id})
REMOVE n.source
WITH n, row WHERE n.stamp[0] = row.version
SET n.shape = {shape}{fields}
