-- The same as insert-event.sql for an event whose other columns are NULL.
INSERT INTO events (
  place, stream, version, type, schema_version, append_id, append_index, recorded_at_ms,
  command_key, fingerprint, outcome, payload
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (command_key) WHERE append_index = 0 AND command_key IS NOT NULL DO NOTHING
