-- How many commands there are, and when the first of a stream is due that nobody handles.
SELECT
  (SELECT count(*) FROM rampart_write.inbox WHERE log = $1),
  (
    SELECT min(waiting.due_at_ms)
    FROM rampart_write.inbox AS waiting
    WHERE waiting.log = $1
      AND waiting.owner IS NULL
      AND NOT EXISTS (
        SELECT 1
        FROM rampart_write.inbox AS earlier
        WHERE earlier.log = waiting.log
          AND earlier.decider = waiting.decider
          AND earlier.stream_id = waiting.stream_id
          AND earlier.sequence < waiting.sequence
      )
  )
