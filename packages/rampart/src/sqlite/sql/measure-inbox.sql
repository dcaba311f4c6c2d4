-- How many commands there are, and when the first of a stream is due that nobody handles.
SELECT
  (SELECT count(*) FROM inbox WHERE log = :log),
  (
    SELECT min(due_at_ms)
    FROM inbox AS waiting
    WHERE
      log = :log
      AND owner IS NULL
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
