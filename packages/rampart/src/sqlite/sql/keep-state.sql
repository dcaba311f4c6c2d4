INSERT INTO states (stream, version, state_version, digest, state) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (stream) DO UPDATE
SET version = excluded.version, state_version = excluded.state_version,
  digest = excluded.digest, state = excluded.state;
