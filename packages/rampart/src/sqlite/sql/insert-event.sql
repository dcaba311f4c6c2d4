-- A command id that an earlier append claimed leaves the table as it is, and the statement says so: no row changed.
INSERT INTO events (
  place, stream, version, type, schema_version, append_id, append_index, recorded_at_ms,
  command_key, content_type, tags, correlation_id, causation_id, actor, data_subject_id, key_id,
  fingerprint, append_events, outcome_version, outcome, payload
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (command_key) WHERE append_index = 0 AND command_key IS NOT NULL DO NOTHING
