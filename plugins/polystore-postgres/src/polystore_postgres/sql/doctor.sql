-- What doctor asks the server.

-- name: replica
-- How far a standby has come. $1 is where the primary's log ends just now.
SELECT pg_is_in_recovery() AS standby,
       greatest(pg_wal_lsn_diff($1::text::pg_lsn,
                                coalesce(pg_last_wal_replay_lsn(), $1::text::pg_lsn)), 0)::bigint
           AS behind,
       coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0)::float8
           AS seconds,
       EXISTS (SELECT FROM pg_stat_wal_receiver) AS streaming

-- name: log_end
-- Up to where the log is written; on a standby up to where it is replayed.
SELECT pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                            ELSE pg_current_wal_lsn() END, '0/0')::bigint

-- name: standbys
SELECT application_name AS name, sync_state,
       pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint AS behind
  FROM pg_stat_replication
 ORDER BY application_name, pid

-- name: idle_slots
SELECT slot_name AS name,
       coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint AS held
  FROM pg_replication_slots
 WHERE NOT active AND NOT temporary
 ORDER BY slot_name

-- name: unused_indexes
-- Indexes of our tables that no statement has used, of those that no constraint needs. A partition's
-- is counted with the index of the whole.
SELECT coalesce(w.relname, c.relname) AS name, coalesce(wt.relname, t.relname) AS table_name,
       sum(pg_relation_size(c.oid))::bigint AS size,
       extract(epoch FROM clock_timestamp() - coalesce(max(d.stats_reset), pg_postmaster_start_time()))
           ::float8 AS seconds
  FROM pg_stat_user_indexes AS s
  JOIN pg_index AS x ON x.indexrelid = s.indexrelid
  JOIN pg_class AS c ON c.oid = s.indexrelid
  JOIN pg_class AS t ON t.oid = s.relid
  LEFT JOIN pg_inherits AS h ON h.inhrelid = c.oid
  LEFT JOIN pg_class AS w ON w.oid = h.inhparent
  LEFT JOIN pg_index AS wx ON wx.indexrelid = w.oid
  LEFT JOIN pg_class AS wt ON wt.oid = wx.indrelid
  LEFT JOIN pg_stat_database AS d ON d.datname = current_database()
 WHERE s.schemaname = $1 AND NOT x.indisunique AND coalesce(wt.relname, t.relname) = ANY($2::text[])
 GROUP BY 1, 2
HAVING sum(s.idx_scan) = 0 AND sum(pg_relation_size(c.oid)) >= $3::bigint
 ORDER BY 1

-- name: dead_rows
SELECT relname AS name, n_live_tup AS live, n_dead_tup AS dead,
       greatest(last_vacuum, last_autovacuum)::text AS vacuumed
  FROM pg_stat_user_tables
 WHERE schemaname = $1 AND relname = ANY($2::text[])
 ORDER BY relname

-- name: near_size
-- Of the indexes for nearness, which are read at random: they should fit into memory.
SELECT coalesce(sum(pg_relation_size(c.oid)), 0)::bigint AS size,
       pg_size_bytes(current_setting('shared_buffers')) AS buffers,
       pg_size_bytes(current_setting('effective_cache_size')) AS cache
  FROM pg_class AS c
  JOIN pg_index AS x ON x.indexrelid = c.oid
  JOIN pg_class AS t ON t.oid = x.indrelid
  JOIN pg_namespace AS n ON n.oid = t.relnamespace
  JOIN pg_am AS m ON m.oid = c.relam
 WHERE n.nspname = $1 AND t.relname = ANY($2::text[]) AND m.amname IN ('hnsw', 'ivfflat')

-- name: privileges
-- What the user may not do with our tables.
SELECT c.relname AS name,
       ARRAY(SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p
              WHERE NOT has_table_privilege(c.oid, p)) AS missing
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname = $1 AND c.relname = ANY($2::text[])
 ORDER BY c.relname

-- name: connections
SELECT count(*) AS used, current_setting('max_connections')::int AS most,
       current_setting('superuser_reserved_connections')::int AS reserved
  FROM pg_stat_activity WHERE backend_type = 'client backend'

-- name: building
-- Index builds that go on in the schema $1.
SELECT i.relname AS name, t.relname AS table_name, p.phase,
       p.lockers_done, p.lockers_total, p.blocks_done, p.blocks_total,
       p.tuples_done, p.tuples_total
  FROM pg_stat_progress_create_index AS p
  JOIN pg_class AS t ON t.oid = p.relid
  JOIN pg_namespace AS n ON n.oid = t.relnamespace
  LEFT JOIN pg_class AS i ON i.oid = p.index_relid
 WHERE p.datname = current_database() AND n.nspname = $1
 ORDER BY t.relname, p.pid
