SELECT
  command_id, fingerprint, decider, stream_id, type, data, expected_version, actor, correlation_id,
  received_at_ms, attempts, roles
FROM inbox
