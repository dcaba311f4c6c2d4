-- Claims due commands of a log, oldest first. One that another owner holds, or that waits for its next attempt,
-- keeps back those of its stream that were accepted after it. It ends where the data would be too large together.
CREATE OR REPLACE FUNCTION rampart_write.claim_commands(
  p_log integer, p_owner text, p_now_ms bigint, p_lease_ms bigint, p_limit integer,
  p_bytes bigint
)
RETURNS SETOF rampart_write.inbox
LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(1380012368, p_log);
  RETURN QUERY
  WITH claimed AS (
    UPDATE rampart_write.inbox AS taken
    SET owner = p_owner, lease_until_ms = p_now_ms + p_lease_ms, attempts = taken.attempts + 1
    WHERE taken.sequence IN (
      SELECT due_so_far.sequence
      FROM (
        SELECT due.sequence, due.bytes, sum(due.bytes) OVER (ORDER BY due.sequence) AS bytes_so_far
        FROM (
          SELECT candidate.sequence, octet_length(candidate.data) AS bytes
          FROM rampart_write.inbox AS candidate
          WHERE candidate.log = p_log
            AND candidate.due_at_ms <= p_now_ms
            AND (candidate.owner IS NULL OR candidate.lease_until_ms <= p_now_ms)
            AND NOT EXISTS (
              SELECT 1
              FROM rampart_write.inbox AS earlier
              WHERE earlier.log = candidate.log
                AND earlier.decider = candidate.decider
                AND earlier.stream_id = candidate.stream_id
                AND earlier.sequence < candidate.sequence
                AND CASE
                  WHEN earlier.owner IS NULL OR earlier.lease_until_ms <= p_now_ms
                    THEN earlier.due_at_ms > p_now_ms
                  ELSE earlier.owner <> p_owner
                END
            )
          ORDER BY candidate.sequence
          LIMIT p_limit
        ) AS due
      ) AS due_so_far
      WHERE due_so_far.bytes_so_far <= p_bytes OR due_so_far.bytes_so_far = due_so_far.bytes
    )
    RETURNING taken.*
  )
  SELECT * FROM claimed ORDER BY claimed.sequence;
END
$$;
