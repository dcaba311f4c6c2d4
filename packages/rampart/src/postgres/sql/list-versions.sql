-- Streams and versions as the index of streams has them, after one of them.
SELECT e.stream, e.version, e.log, e.position, s.decider, s.id, s.log
FROM rampart_write.events AS e LEFT JOIN rampart_write.streams AS s ON s.number = e.stream
WHERE (e.stream, e.version) > ($1, $2)
ORDER BY e.stream, e.version
LIMIT $3
