-- Appends one event to one stream, without tags, conditions, documents and a state, as most commands of a quiet system
-- do: what append_plain does, with values in place of arrays, and one statement for all that is looked up.
--
-- Each look-up stands in a subquery of its own, so that a plan which is kept cannot do without its index.
--
-- p_expected is a version, or -1 for any. It answers NULL where processes keep documents with the log, which
-- append_batch settles; otherwise a status of append_batch, the version of the stream after the append, or as it
-- stands for a conflict, and the event's position and time.

DROP FUNCTION IF EXISTS rampart_write.append_lone;

CREATE FUNCTION rampart_write.append_lone(
  p_log integer, p_now_ms bigint,
  p_append_id text, p_command uuid, p_fingerprint text, p_leaves boolean, p_outcome text,
  p_correlation text, p_causation text, p_actor text,
  p_decider text, p_id text, p_expected bigint,
  p_type text, p_schema_version integer, p_content_type text, p_subject text, p_key text, p_payload bytea
)
RETURNS bigint[]
LANGUAGE plpgsql
AS $$
DECLARE
  is_kept boolean;
  next_position bigint;
  recorded_ms bigint;
  stream_number bigint;
  stream_version integer;
  type_number integer;
  is_settled boolean;
  waiting_fingerprint text;
  status integer;
BEGIN
  -- An expression needs no plan of its own. Each statement below sees what was committed before the lock was had.
  IF pg_advisory_xact_lock(1380012368, p_log) IS NULL THEN
    RETURN NULL;
  END IF;

  SELECT
    EXISTS (SELECT 1 FROM rampart_documents.collections AS c WHERE c.log = p_log AND c.is_kept),
    coalesce(head.position, 0) + 1,
    greatest(head.recorded_at_ms, p_now_ms),
    known.number,
    coalesce(newest.version, (
      SELECT e.version FROM rampart_write.events AS e
      WHERE e.stream = known.number ORDER BY e.version DESC LIMIT 1
    ), 0),
    (SELECT t.number FROM rampart_write.event_types AS t WHERE t.name = p_type LIMIT 1),
    EXISTS (
      SELECT 1
      FROM (
        SELECT e.log FROM rampart_write.events AS e
        WHERE e.command_id = p_command AND e.append_index = 0 OFFSET 0
      ) AS done
      WHERE done.log = p_log
    ) OR EXISTS (
      SELECT 1 FROM rampart_write.outcomes AS kept
      WHERE kept.log = p_log AND kept.command_id = p_command
        AND (kept.expires_at_ms IS NULL OR kept.expires_at_ms > p_now_ms) OFFSET 0
    ),
    (
      SELECT waiting.fingerprint
      FROM (
        SELECT b.log, b.fingerprint FROM rampart_write.inbox AS b WHERE b.command_id = p_command OFFSET 0
      ) AS waiting
      WHERE waiting.log = p_log LIMIT 1
    )
  INTO
    is_kept, next_position, recorded_ms, stream_number, stream_version, type_number, is_settled,
    waiting_fingerprint
  FROM (VALUES (1)) AS one
  LEFT JOIN LATERAL (
    SELECT e.position, e.recorded_at_ms FROM rampart_write.events AS e
    WHERE e.log = p_log ORDER BY e.position DESC LIMIT 1
  ) AS head ON true
  LEFT JOIN LATERAL (
    SELECT s.number FROM rampart_write.streams AS s
    WHERE s.log = p_log AND s.decider = p_decider AND s.id = p_id LIMIT 1
  ) AS known ON true
  LEFT JOIN LATERAL (
    SELECT e.version FROM rampart_write.events AS e
    WHERE e.stream = known.number AND e.version >= p_expected ORDER BY e.version DESC LIMIT 1
  ) AS newest ON true;

  IF is_kept THEN
    RETURN NULL;
  END IF;
  status := CASE
    WHEN is_settled THEN 3
    WHEN waiting_fingerprint <> p_fingerprint THEN 5
    WHEN waiting_fingerprint IS NOT NULL AND p_leaves THEN 4
    WHEN p_expected >= 0 AND p_expected <> stream_version THEN 1
    ELSE 0
  END;
  IF status <> 0 THEN
    RETURN ARRAY[status, stream_version, 0, recorded_ms];
  END IF;

  IF stream_number IS NULL THEN
    INSERT INTO rampart_write.streams (log, decider, id) VALUES (p_log, p_decider, p_id)
    RETURNING number INTO stream_number;
  END IF;
  IF type_number IS NULL THEN
    -- Another log may be writing the same name at this moment.
    INSERT INTO rampart_write.event_types (name) VALUES (p_type) ON CONFLICT (name) DO NOTHING;
    SELECT t.number INTO type_number FROM rampart_write.event_types AS t WHERE t.name = p_type;
  END IF;

  INSERT INTO rampart_write.events (
    position, stream, command_id, recorded_at_ms, log, version, type, schema_version, append_index,
    append_id, content_type, correlation_id, causation_id, actor, data_subject_id, key_id,
    fingerprint, outcome, payload
  )
  VALUES (
    next_position, stream_number, p_command, recorded_ms, p_log, stream_version + 1, type_number,
    p_schema_version, 0, p_append_id, p_content_type, p_correlation, p_causation, p_actor, p_subject, p_key,
    p_fingerprint, p_outcome, p_payload
  );

  IF waiting_fingerprint IS NOT NULL THEN
    DELETE FROM rampart_write.inbox AS waiting
    WHERE waiting.log = p_log AND waiting.command_id = p_command;
  END IF;
  RETURN ARRAY[0, stream_version + 1, next_position, recorded_ms];
END
$$;
