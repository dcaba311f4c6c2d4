-- How many commands there are, and when the first of a stream can be claimed next.
SELECT
  (SELECT count(*) FROM rampart_write.inbox WHERE log = $1),
  (
    SELECT min(
      CASE
        WHEN waiting.owner IS NULL THEN waiting.due_at_ms
        ELSE greatest(waiting.due_at_ms, waiting.lease_until_ms)
      END
    )
    FROM rampart_write.inbox AS waiting
    WHERE waiting.log = $1
      AND NOT EXISTS (
        SELECT 1
        FROM rampart_write.inbox AS earlier
        WHERE earlier.log = waiting.log
          AND earlier.decider = waiting.decider
          AND earlier.stream_id = waiting.stream_id
          AND earlier.sequence < waiting.sequence
      )
  )
