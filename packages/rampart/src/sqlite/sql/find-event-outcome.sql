-- The outcome of a command that recorded events, from the first of them.
SELECT
  fingerprint, outcome, coalesce(outcome_version, version + coalesce(append_events, 1) - 1),
  place, coalesce(append_events, 1), append_id, recorded_at_ms
FROM events
WHERE command_key = ? AND append_index = 0 AND command_key IS NOT NULL
