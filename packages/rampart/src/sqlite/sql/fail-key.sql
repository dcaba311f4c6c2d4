-- Why a key stands still. It stands still since the first time.
INSERT INTO quarantined_keys (collection, key, error, since_ms, failing) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (collection, key) DO UPDATE SET error = excluded.error, failing = excluded.failing;
