-- Everything that is recorded with an event: the columns of select-event, and the outcome that its first event carries.
SELECT
  place, stream, version, type, schema_version, append_id, append_index, recorded_at_ms,
  lower(hex(substr(command_key, 1, 16))), content_type, tags, correlation_id, causation_id, actor,
  data_subject_id, key_id, length(payload),
  fingerprint, coalesce(append_events, 1), coalesce(outcome_version, version + coalesce(append_events, 1) - 1), outcome
FROM events
