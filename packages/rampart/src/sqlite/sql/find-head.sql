-- The last event of a log, whose places lie between two bounds.
SELECT place, append_id, append_index, recorded_at_ms
FROM events
WHERE place > ? AND place < ?
ORDER BY place DESC
LIMIT 1
