SELECT kept.stream, s.decider, s.id, kept.version, kept.state_version, kept.digest, kept.state
FROM rampart_write.states AS kept JOIN rampart_write.streams AS s ON s.number = kept.stream
WHERE kept.stream > $1 AND s.log = $2
ORDER BY kept.stream
LIMIT $3
