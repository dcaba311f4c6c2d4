-- Streams and versions as the index of streams has them, after one of them.
SELECT stream, version, place
FROM events INDEXED BY events_by_stream
WHERE (stream, version) > (?, ?)
ORDER BY stream, version
LIMIT ?
