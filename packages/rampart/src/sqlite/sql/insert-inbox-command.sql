INSERT INTO inbox (
  log, command_id, fingerprint, decider, stream_id, type, data, expected_version, actor, correlation_id,
  received_at_ms, roles, attempts, owner, lease_until_ms, due_at_ms
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, NULL, 0, 0)
