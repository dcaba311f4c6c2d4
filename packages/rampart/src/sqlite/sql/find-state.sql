SELECT version, state_version, digest, state
FROM states
WHERE stream = (SELECT number FROM streams WHERE log = ? AND decider = ? AND id = ?);
