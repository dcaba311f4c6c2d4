-- Accepts commands for later, each on its own. Statuses: 0 accepted, 3 a recorded outcome has this id, 4 the
-- command waits already, 5 another one with this id waits, 6 the inbox is full.
CREATE OR REPLACE FUNCTION rampart_write.accept_commands(
  p_log integer, p_now_ms bigint, p_max integer,
  c_command uuid[], c_fingerprint text[], c_decider text[], c_stream_id text[], c_type text[], c_data text[],
  c_expected bigint[], c_actor text[], c_correlation text[], c_received bigint[], c_roles text[]
)
RETURNS integer[]
LANGUAGE plpgsql
AS $$
DECLARE
  statuses integer[] := array_fill(0, ARRAY[cardinality(c_command)]);
  waiting_commands integer;
  known_fingerprint text;
BEGIN
  PERFORM pg_advisory_xact_lock(1380012368, p_log);
  SELECT count(*) INTO waiting_commands FROM rampart_write.inbox AS waiting WHERE waiting.log = p_log;
  FOR i IN 1..cardinality(c_command) LOOP
    SELECT waiting.fingerprint INTO known_fingerprint
    FROM rampart_write.inbox AS waiting
    WHERE waiting.log = p_log AND waiting.command_id = c_command[i];
    IF FOUND THEN
      statuses[i] := CASE WHEN known_fingerprint = c_fingerprint[i] THEN 4 ELSE 5 END;
    ELSIF EXISTS (
      SELECT 1 FROM rampart_write.outcomes AS kept
      WHERE kept.log = p_log AND kept.command_id = c_command[i]
        AND (kept.expires_at_ms IS NULL OR kept.expires_at_ms > p_now_ms)
    ) OR EXISTS (
      SELECT 1 FROM rampart_write.events AS done
      WHERE done.log = p_log AND done.command_id = c_command[i] AND done.append_index = 0
    ) THEN
      statuses[i] := 3;
    ELSIF waiting_commands >= p_max THEN
      statuses[i] := 6;
    ELSE
      INSERT INTO rampart_write.inbox (
        log, command_id, fingerprint, decider, stream_id, type, data, expected_version, actor, correlation_id,
        received_at_ms, roles, attempts, owner, lease_until_ms, due_at_ms
      )
      VALUES (
        p_log, c_command[i], c_fingerprint[i], c_decider[i], c_stream_id[i], c_type[i], c_data[i],
        c_expected[i], c_actor[i], c_correlation[i], c_received[i], c_roles[i], 0, NULL, 0, 0
      );
      waiting_commands := waiting_commands + 1;
    END IF;
  END LOOP;
  RETURN statuses;
END
$$;
