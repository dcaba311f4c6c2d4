-- Streams and versions as the index of streams has them, after one of them. Places that no log can have are counted
-- elsewhere, and may be larger than the driver can tell.
SELECT stream, version, place
FROM events INDEXED BY events_by_stream
WHERE (stream, version) > (?, ?) AND place BETWEEN 0 AND 9007199254740991
ORDER BY stream, version
LIMIT ?
