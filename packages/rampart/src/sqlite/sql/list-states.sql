SELECT states.stream, streams.decider, streams.id, states.version, states.state_version, states.digest, states.state
FROM states JOIN streams ON streams.number = states.stream
WHERE states.stream > ? AND streams.log = ?
ORDER BY states.stream
LIMIT ?
