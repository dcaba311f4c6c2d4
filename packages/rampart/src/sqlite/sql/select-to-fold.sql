-- What folds need of an event. A payload that is longer than its share of a page is NULL here and read by itself.
SELECT
  place, stream, version, type, schema_version, append_id, append_index, recorded_at_ms,
  CASE WHEN length(payload) <= ? THEN CAST(payload AS TEXT) END
FROM events
