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
