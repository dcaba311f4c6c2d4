SELECT k.key, k.error, k.since_ms, e.position, e.event_id, e.type,
  (SELECT count(*) FROM queued_events q WHERE q.collection = k.collection AND q.key = k.key)
FROM quarantined_keys k
JOIN queued_events e ON e.collection = k.collection AND e.key = k.key AND e.position = k.failing
WHERE k.collection = {number} ORDER BY k.key;
