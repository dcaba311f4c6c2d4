-- How many commands there are, and when the first of a stream can be claimed next.
SELECT
  (SELECT count(*) FROM inbox WHERE log = :log),
  (
    SELECT min(iif(owner IS NULL, due_at_ms, max(due_at_ms, lease_until_ms)))
    FROM inbox AS waiting
    WHERE
      log = :log
      AND NOT EXISTS (
        SELECT 1
        FROM inbox AS earlier
        WHERE
          earlier.log = waiting.log
          AND earlier.decider = waiting.decider
          AND earlier.stream_id = waiting.stream_id
          AND earlier.sequence < waiting.sequence
      )
  )
