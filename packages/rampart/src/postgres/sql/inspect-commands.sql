-- Accepted commands of an app without an outcome, oldest first, and after them those that were given up, newest first.
SELECT state, log, type, decider, stream_id, command_id, attempts, at_ms, next_ms, cause
FROM (
  SELECT
    0 AS part, waiting.sequence AS place,
    CASE WHEN owner IS NOT NULL AND lease_until_ms > $1 THEN 'running' ELSE 'received' END AS state,
    key AS log, type, decider, stream_id, command_id, attempts, received_at_ms AS at_ms,
    CASE WHEN attempts > 0 AND (owner IS NULL OR lease_until_ms <= $1) THEN due_at_ms END AS next_ms,
    cause
  FROM rampart_write.inbox AS waiting JOIN rampart_write.logs AS l ON l.number = waiting.log
  UNION ALL
  SELECT
    1, -letter.sequence, 'failed', key, type, decider, stream_id, command_id, attempts, buried_at_ms, NULL, cause
  FROM rampart_write.dead_letters AS letter JOIN rampart_write.logs AS l ON l.number = letter.log
) AS listed
WHERE split_part(log, ':', 1) = $2 AND ($3::text IS NULL OR state = $3)
ORDER BY part, place
LIMIT $4
