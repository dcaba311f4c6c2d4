-- Accepted commands without an outcome, oldest first, and after them those that were given up, newest first. Older
-- tables do not say why one waits.
SELECT state, log, type, decider, stream_id, command_id, attempts, at_ms, next_ms, cause
FROM (
  SELECT
    0 AS part, inbox.sequence AS place,
    iif(owner IS NOT NULL AND lease_until_ms > :now, 'running', 'received') AS state,
    key AS log, type, decider, stream_id, command_id, attempts, received_at_ms AS at_ms,
    iif(attempts > 0 AND (owner IS NULL OR lease_until_ms <= :now), due_at_ms, NULL) AS next_ms,
    {cause} AS cause
  FROM inbox JOIN logs ON logs.number = inbox.log
  UNION ALL
  SELECT
    1, -dead_letters.sequence, 'failed', key, type, decider, stream_id, command_id, attempts, buried_at_ms, NULL, cause
  FROM dead_letters JOIN logs ON logs.number = dead_letters.log
)
WHERE :state IS NULL OR state = :state
ORDER BY part, place
LIMIT :limit
