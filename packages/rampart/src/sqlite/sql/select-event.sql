-- The columns of an event but its payload, of which only the length is taken: payloads of a page come as one value.
SELECT
  place, stream, version, type, schema_version, append_id, append_index, recorded_at_ms,
  lower(hex(substr(command_key, 1, 16))), content_type, tags, correlation_id, causation_id, actor,
  data_subject_id, key_id, length(payload)
FROM events
