-- The outcome of a command: from the first of its events, or kept apart when it recorded none and has not expired.
SELECT
  fingerprint, outcome, coalesce(outcome_version, version + coalesce(append_events, 1) - 1),
  position + coalesce(append_events, 1) - 1, append_id || '.' || (coalesce(append_events, 1) - 1), recorded_at_ms
FROM rampart_write.events
WHERE command_id = $2 AND log = $1 AND append_index = 0 AND command_id IS NOT NULL
UNION ALL
SELECT fingerprint, outcome, version, position, event_id, recorded_at_ms
FROM rampart_write.outcomes
WHERE log = $1 AND command_id = $2 AND (expires_at_ms IS NULL OR expires_at_ms > $3)
LIMIT 1
