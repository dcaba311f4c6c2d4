-- What each log holds, and what waits for it.
SELECT
  l.key, coalesce(head.position, 0), head.recorded_at_ms,
  (
    SELECT json_agg(json_build_object('epoch', h.epoch, 'forkPosition', h.fork_position) ORDER BY h.ordinal)
    FROM rampart_write.epochs AS h WHERE h.log = l.number
  ),
  waiting.commands, waiting.oldest, waiting.running, waiting.failed,
  (SELECT count(*) FROM rampart_write.dead_letters AS letter WHERE letter.log = l.number),
  sealed.number, sealed.last_position, sealed.sealed_at_ms
FROM rampart_write.logs AS l
LEFT JOIN LATERAL (
  SELECT e.position, e.recorded_at_ms FROM rampart_write.events AS e
  WHERE e.log = l.number ORDER BY e.position DESC LIMIT 1
) AS head ON true
LEFT JOIN LATERAL (
  SELECT s.number, s.last_position, s.sealed_at_ms FROM rampart_write.seals AS s
  WHERE s.log = l.number ORDER BY s.number DESC LIMIT 1
) AS sealed ON true
CROSS JOIN LATERAL (
  SELECT
    count(*) AS commands,
    min(received_at_ms) AS oldest,
    count(*) FILTER (WHERE owner IS NOT NULL AND lease_until_ms > $1) AS running,
    count(*) FILTER (WHERE attempts > 0 AND (owner IS NULL OR lease_until_ms <= $1)) AS failed
  FROM rampart_write.inbox AS b WHERE b.log = l.number
) AS waiting
ORDER BY l.key
