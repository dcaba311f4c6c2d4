-- Claims due commands of a log, oldest first. One that another owner holds, or that waits for its next attempt,
-- keeps back those of its stream that were accepted after it. It ends where the data would be too large together.
UPDATE inbox
SET owner = :owner, lease_until_ms = :now + :lease, attempts = attempts + 1
WHERE sequence IN (
  SELECT sequence
  FROM (
    SELECT sequence, bytes, sum(bytes) OVER (ORDER BY sequence) AS bytes_so_far
    FROM (
      SELECT sequence, octet_length(data) AS bytes
      FROM inbox AS candidate
      WHERE
        log = :log
        AND due_at_ms <= :now
        AND (owner IS NULL OR lease_until_ms <= :now)
        AND NOT EXISTS (
          SELECT 1
          FROM inbox AS earlier
          WHERE
            earlier.log = candidate.log
            AND earlier.decider = candidate.decider
            AND earlier.stream_id = candidate.stream_id
            AND earlier.sequence < candidate.sequence
            AND iif(
              earlier.owner IS NULL OR earlier.lease_until_ms <= :now,
              earlier.due_at_ms > :now,
              earlier.owner <> :owner
            )
        )
      ORDER BY sequence
      LIMIT :limit
    )
  )
  WHERE bytes_so_far <= :bytes OR bytes_so_far = bytes
)
RETURNING
  command_id, fingerprint, decider, stream_id, type, data, expected_version, actor, correlation_id,
  received_at_ms, attempts, roles, sequence
