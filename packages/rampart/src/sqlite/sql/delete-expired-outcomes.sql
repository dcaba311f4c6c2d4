DELETE FROM outcomes
WHERE command_key IN (
  SELECT command_key FROM outcomes WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?
)
