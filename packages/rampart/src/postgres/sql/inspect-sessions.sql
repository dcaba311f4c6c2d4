-- Sessions with an open transaction, the platform's lock that each holds, and how many others wait for it. Of those of
-- other users only the locks show, unless one may see more. The keys of the lock are those of append-batch: a log's
-- number, 0 for opening logs; those below 0 show as 2^32 less.
SELECT
  a.pid, coalesce(a.usename::text, ''), coalesce(a.application_name, ''), coalesce(a.state, ''),
  (extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::bigint,
  left(coalesce(a.query, ''), 200),
  (
    SELECT count(DISTINCT k.pid) FROM pg_locks AS k
    WHERE NOT k.granted AND a.pid = ANY (pg_blocking_pids(k.pid))
  ),
  held.key, l.key
FROM pg_stat_activity AS a
LEFT JOIN LATERAL (
  SELECT k.objid::bigint AS key FROM pg_locks AS k
  WHERE k.pid = a.pid AND k.granted AND k.locktype = 'advisory' AND k.classid = 1380012368 AND k.objsubid = 2
  LIMIT 1
) AS held ON true
LEFT JOIN rampart_write.logs AS l ON l.number = held.key
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND (a.xact_start IS NOT NULL OR held.key IS NOT NULL)
ORDER BY a.xact_start
