SELECT
  command_id, fingerprint, decider, stream_id, type, data, expected_version, actor, correlation_id,
  received_at_ms, attempts, roles, cause, buried_at_ms
FROM dead_letters
WHERE log = ?
ORDER BY sequence DESC
LIMIT ?
