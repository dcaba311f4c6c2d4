-- Sessions with an open transaction, the platform's lock that each holds, a table of the platform that nobody else may
-- even read because of it, and how many others wait for it. Of those of other users only the locks show, unless one may
-- see more. The keys of the lock are those of append-batch: a log's number, 0 for opening logs; those below 0 show as
-- 2^32 less. It reads no table of the platform: that might be what is locked.
SELECT
  a.pid, coalesce(a.usename::text, ''), coalesce(a.application_name, ''), coalesce(a.state, ''),
  (extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::bigint,
  left(coalesce(a.query, ''), 200),
  (
    SELECT count(DISTINCT k.pid) FROM pg_locks AS k
    WHERE NOT k.granted AND a.pid = ANY (pg_blocking_pids(k.pid))
  ),
  held.key, locked.name
FROM pg_stat_activity AS a
LEFT JOIN LATERAL (
  SELECT k.objid::bigint AS key FROM pg_locks AS k
  WHERE k.pid = a.pid AND k.granted AND k.locktype = 'advisory' AND k.classid = 1380012368 AND k.objsubid = 2
  LIMIT 1
) AS held ON true
LEFT JOIN LATERAL (
  SELECT n.nspname || '.' || c.relname AS name
  FROM pg_locks AS k JOIN pg_class AS c ON c.oid = k.relation JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE k.pid = a.pid AND k.granted AND k.locktype = 'relation' AND k.mode = 'AccessExclusiveLock'
    AND starts_with(n.nspname, 'rampart_') AND c.relkind = 'r'
  ORDER BY name LIMIT 1
) AS locked ON true
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
  AND (a.xact_start IS NOT NULL OR held.key IS NOT NULL OR locked.name IS NOT NULL)
ORDER BY a.xact_start
