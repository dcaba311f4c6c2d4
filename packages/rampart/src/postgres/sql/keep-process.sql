-- Says that a process runs, for each of its apps, and clears away those that gave no sign of life for ten minutes.
WITH gone AS (
  DELETE FROM rampart_host.processes
  WHERE seen < clock_timestamp() - interval '10 minutes' AND id <> $1
)
INSERT INTO rampart_host.processes AS known (id, app, roles, pid, host, url, walled, since, seen)
SELECT $1, own.app, $2, $3, $4, own.url, $5, clock_timestamp(), clock_timestamp()
FROM unnest($6::text[], $7::text[]) AS own (app, url)
ON CONFLICT (id, app) DO UPDATE SET url = excluded.url, seen = excluded.seen
