INSERT INTO skipped_events (collection, key, position, event_id, type, actor, at_ms)
SELECT collection, key, position, event_id, type, ?, ? FROM queued_events
WHERE collection = ? AND key = ? AND position = ?;
