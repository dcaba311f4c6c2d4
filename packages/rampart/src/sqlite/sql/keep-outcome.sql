-- An expired outcome of the same id makes room.
INSERT OR REPLACE INTO outcomes (
  command_key, fingerprint, outcome, version, position, event_id, recorded_at_ms, expires_at_ms
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
