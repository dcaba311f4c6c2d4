-- Ends a waiting command with an outcome and, for an operator, a dead letter. Without effect when it does not
-- stand in the inbox any more.
CREATE OR REPLACE FUNCTION rampart_write.bury_command(
  p_log integer, p_now_ms bigint, p_command uuid, p_cause text, p_outcome text, p_expires bigint,
  p_dead_letter boolean
)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
  waiting rampart_write.inbox;
  head_position bigint := 0;
  head_event text := '';
  recorded_ms bigint := p_now_ms;
BEGIN
  PERFORM pg_advisory_xact_lock(1380012368, p_log);
  DELETE FROM rampart_write.inbox AS taken
  WHERE taken.log = p_log AND taken.command_id = p_command
  RETURNING taken.* INTO waiting;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT e.position, e.append_id || '.' || e.append_index, greatest(e.recorded_at_ms, p_now_ms)
  INTO head_position, head_event, recorded_ms
  FROM rampart_write.events AS e
  WHERE e.log = p_log ORDER BY e.position DESC LIMIT 1;
  IF p_dead_letter THEN
    INSERT INTO rampart_write.dead_letters (
      log, command_id, fingerprint, decider, stream_id, type, data, expected_version, actor, correlation_id,
      received_at_ms, roles, attempts, cause, buried_at_ms
    )
    VALUES (
      p_log, p_command, waiting.fingerprint, waiting.decider, waiting.stream_id, waiting.type, waiting.data,
      waiting.expected_version, waiting.actor, waiting.correlation_id, waiting.received_at_ms, waiting.roles,
      waiting.attempts, p_cause, coalesce(recorded_ms, p_now_ms)
    );
  END IF;
  INSERT INTO rampart_write.outcomes (
    log, command_id, fingerprint, outcome, version, position, event_id, recorded_at_ms, expires_at_ms
  )
  VALUES (
    p_log, p_command, waiting.fingerprint, p_outcome,
    coalesce((
      SELECT e.version
      FROM rampart_write.streams AS s JOIN rampart_write.events AS e ON e.stream = s.number
      WHERE s.log = p_log AND s.decider = waiting.decider AND s.id = waiting.stream_id
      ORDER BY e.version DESC LIMIT 1
    ), 0),
    coalesce(head_position, 0), coalesce(head_event, ''), coalesce(recorded_ms, p_now_ms), p_expires
  )
  ON CONFLICT (log, command_id) DO UPDATE
  SET fingerprint = excluded.fingerprint, outcome = excluded.outcome, version = excluded.version,
    position = excluded.position, event_id = excluded.event_id, recorded_at_ms = excluded.recorded_at_ms,
    expires_at_ms = excluded.expires_at_ms;
END
$$;
