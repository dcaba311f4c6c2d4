-- Open transactions: those of sessions, and those that were prepared, whose sessions have gone on without them. With
-- the platform's lock that each holds, a table of the platform that nobody else may even read because of it, and how
-- many others wait for it. Of those of other users only the locks show, unless one may see more. The keys of the lock
-- are those of append-batch: a log's number, 0 for opening logs; those below 0 show as 2^32 less. It reads no table of
-- the platform: that might be what is locked.
WITH open AS (
  SELECT
    pid, usename::text AS owner, application_name AS application, state, xact_start AS since, query,
    NULL AS gid, NULL AS locker
  FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()
  UNION ALL
  SELECT 0, p.owner::text, NULL, 'prepared', p.prepared, NULL, p.gid, own.virtualtransaction
  FROM pg_prepared_xacts AS p
  -- Every transaction with a number has that locked, also once it was prepared.
  LEFT JOIN pg_locks AS own ON own.transactionid = p.transaction AND own.granted AND own.mode = 'ExclusiveLock'
  WHERE p.database = current_database()
), locks AS MATERIALIZED (
  SELECT
    o.pid AS opener, o.gid, k.*,
    (k.locktype, k.database, k.relation, k.page, k.tuple, k.transactionid, k.classid, k.objid, k.objsubid) AS what
  FROM pg_locks AS k LEFT JOIN open AS o ON k.pid = o.pid OR (k.pid IS NULL AND k.virtualtransaction = o.locker)
)
SELECT
  a.pid, coalesce(a.owner, ''), coalesce(a.application, ''), coalesce(a.state, ''),
  (extract(epoch FROM clock_timestamp() - a.since) * 1000)::bigint,
  left(coalesce(a.query, ''), 200),
  (
    SELECT count(DISTINCT k.pid) FROM locks AS k
    WHERE NOT k.granted AND a.pid = ANY (pg_blocking_pids(k.pid))
      -- All prepared transactions block as number 0.
      AND (a.gid IS NULL OR EXISTS (
        SELECT FROM locks AS own WHERE own.gid = a.gid AND own.granted AND own.what IS NOT DISTINCT FROM k.what
      ))
  ),
  held.key, locked.name, a.gid
FROM open AS a
LEFT JOIN LATERAL (
  SELECT k.objid::bigint AS key FROM locks AS k
  WHERE k.opener = a.pid AND k.gid IS NOT DISTINCT FROM a.gid
    AND k.granted AND k.locktype = 'advisory' AND k.classid = 1380012368 AND k.objsubid = 2
  LIMIT 1
) AS held ON true
LEFT JOIN LATERAL (
  SELECT n.nspname || '.' || c.relname AS name
  FROM locks AS k JOIN pg_class AS c ON c.oid = k.relation JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE k.opener = a.pid AND k.gid IS NOT DISTINCT FROM a.gid
    AND k.granted AND k.locktype = 'relation' AND k.mode = 'AccessExclusiveLock'
    AND starts_with(n.nspname, 'rampart_') AND c.relkind = 'r'
  ORDER BY name LIMIT 1
) AS locked ON true
WHERE a.since IS NOT NULL OR held.key IS NOT NULL OR locked.name IS NOT NULL
ORDER BY a.since
