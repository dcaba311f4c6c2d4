SELECT key, version, position, data FROM documents_{number}
WHERE (position, key) > (?, ?){conditions}
ORDER BY position, key LIMIT ?;
