SELECT key, version, position, data FROM documents_{number}
WHERE data IS NOT NULL AND key > ?{conditions}
ORDER BY key LIMIT ?;
