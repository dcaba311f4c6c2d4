-- A stream's number and version.
SELECT number, (SELECT max(version) FROM events WHERE stream = number)
FROM streams
WHERE log = ? AND decider = ? AND id = ?
