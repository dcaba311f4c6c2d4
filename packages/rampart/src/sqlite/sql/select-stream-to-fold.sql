-- What a fold of a stream needs of an event. A payload that is longer than its share of a page is NULL here and read by
-- itself.
SELECT place, version, type, schema_version, CASE WHEN length(payload) <= ? THEN CAST(payload AS TEXT) END
FROM events
WHERE stream = ? AND version >= ? AND version <= ?
