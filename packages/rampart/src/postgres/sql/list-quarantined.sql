SELECT k.key, k.error, k.since_ms, e.position, e.event_id, e.type,
  (SELECT count(*) FROM rampart_read.queued_events AS q WHERE q.collection = k.collection AND q.key = k.key)
FROM rampart_read.quarantined_keys AS k
JOIN rampart_read.queued_events AS e
  ON e.collection = k.collection AND e.key = k.key AND e.position = k.failing
WHERE k.collection = $1
ORDER BY k.key
