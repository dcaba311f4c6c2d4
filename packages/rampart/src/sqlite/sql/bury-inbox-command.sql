INSERT INTO dead_letters (
  log, command_id, fingerprint, decider, stream_id, type, data, expected_version, actor, correlation_id,
  received_at_ms, attempts, roles, cause, buried_at_ms
)
SELECT
  log, command_id, fingerprint, decider, stream_id, type, data, expected_version, actor, correlation_id,
  received_at_ms, attempts, roles, :cause, :buried
FROM inbox
WHERE log = :log AND command_id = :command
