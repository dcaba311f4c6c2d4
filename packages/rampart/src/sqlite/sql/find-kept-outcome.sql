-- The outcome of a command that recorded no event, unless its id is free again.
SELECT fingerprint, outcome, version, position, event_id, recorded_at_ms
FROM outcomes
WHERE command_key = ? AND (expires_at_ms IS NULL OR expires_at_ms > ?)
