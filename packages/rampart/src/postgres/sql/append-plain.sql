-- Appends a batch of which each append has events for one stream that no other append of the batch writes to,
-- without tags, conditions and documents: what append_batch does, with few statements over the whole batch, because
-- none of its appends depends on another. A lone append is the usual one.
--
-- Arguments that begin with a_ are per append, y_ per distinct event type, and e_ per event; indexes count from 1.
-- a_expected is a version, or -1 for any; a_is_refused where what an append builds on came to nothing. a_state and
-- what belongs to it are empty when no append stores a state.
--
-- It answers nothing where processes keep documents with the log, which append_batch settles. Statuses are those of
-- append_batch; versions are those after the appends, or as they stand for a conflict; worked_us is the time that the
-- call took but for the wait for the log's lock, in microseconds; recorded_ms is the time of the events.

DROP FUNCTION IF EXISTS rampart_write.append_plain;

CREATE FUNCTION rampart_write.append_plain(
  p_log integer, p_now_ms bigint,
  a_command uuid[], a_fingerprint text[], a_leaves boolean[],
  a_decider text[], a_id text[], a_expected bigint[], a_is_refused boolean[], a_events integer[],
  a_state_version bigint[], a_digest text[], a_state text[],
  y_name text[],
  e_append integer[], e_append_index integer[], e_append_id text[], e_append_events integer[], e_command uuid[],
  e_correlation text[], e_causation text[], e_actor text[], e_fingerprint text[], e_outcome text[],
  e_type integer[], e_schema_version integer[], e_content_type text[], e_subject text[], e_key text[],
  e_payload bytea[],
  OUT statuses integer[], OUT versions integer[], OUT positions bigint[], OUT worked_us bigint, OUT recorded_ms bigint
)
LANGUAGE plpgsql
AS $$
DECLARE
  asked_at timestamptz := clock_timestamp();
  locked_at timestamptz;
  head_position bigint;
  stream_numbers bigint[];
  new_numbers bigint[];
  new_ranks integer[];
  has_inbox boolean;
  has_outcomes boolean;
  has_waiting boolean;
  type_numbers integer[];
BEGIN
  PERFORM pg_advisory_xact_lock(1380012368, p_log);
  locked_at := clock_timestamp();
  IF EXISTS (SELECT 1 FROM rampart_documents.collections AS c WHERE c.log = p_log AND c.is_kept) THEN
    RETURN;
  END IF;

  SELECT e.position, greatest(e.recorded_at_ms, p_now_ms)
  INTO head_position, recorded_ms
  FROM rampart_write.events AS e
  WHERE e.log = p_log
  ORDER BY e.position DESC
  LIMIT 1;
  IF NOT FOUND THEN
    head_position := 0;
    recorded_ms := p_now_ms;
  END IF;

  -- Most logs have neither at most moments, which spares each append two look-ups.
  SELECT
    EXISTS (SELECT 1 FROM rampart_write.inbox AS b WHERE b.log = p_log),
    EXISTS (SELECT 1 FROM rampart_write.outcomes AS kept WHERE kept.log = p_log)
  INTO has_inbox, has_outcomes;

  SELECT
    array_agg(judged.status),
    array_agg(judged.version + judged.accepted),
    array_agg(head_position + judged.through),
    array_agg(judged.number),
    array_agg(judged.new_rank::integer),
    bool_or(judged.is_waiting)
  INTO statuses, versions, positions, stream_numbers, new_ranks, has_waiting
  -- The arrays keep the order of these rows, which sorting for each of them would cost anew.
  FROM (
    SELECT
      found.i, found.status, found.version, found.number, found.is_waiting, found.accepted,
      sum(found.accepted) OVER in_order AS through,
      count(*) FILTER (WHERE found.number IS NULL AND found.accepted > 0) OVER in_order AS new_rank
    FROM (
      SELECT
        a.i, known.number,
        coalesce(newest.version, (
          SELECT e.version FROM rampart_write.events AS e
          WHERE e.stream = known.number ORDER BY e.version DESC LIMIT 1
        ), 0) AS version,
        waiting.fingerprint IS NOT NULL AS is_waiting,
        verdict.status, CASE WHEN verdict.status = 0 THEN a.events ELSE 0 END AS accepted
      FROM unnest(
        a_command, a_fingerprint, a_leaves, a_decider, a_id, a_expected, a_is_refused, a_events
      ) WITH ORDINALITY AS a (command, fingerprint, leaves, decider, id, expected, is_refused, events, i)
      LEFT JOIN LATERAL (
        SELECT s.number FROM rampart_write.streams AS s
        WHERE s.log = p_log AND s.decider = a.decider AND s.id = a.id LIMIT 1
      ) AS known ON true
      -- A scan of an index looks at all that it finds on a page before it gives the first. So it is told to begin with
      -- the version that is expected; who expects a later one than there is is told the last above.
      LEFT JOIN LATERAL (
        SELECT e.version FROM rampart_write.events AS e
        WHERE e.stream = known.number AND e.version >= a.expected ORDER BY e.version DESC LIMIT 1
      ) AS newest ON true
      LEFT JOIN LATERAL (
        SELECT b.fingerprint
        FROM (
          SELECT any_log.log, any_log.fingerprint FROM rampart_write.inbox AS any_log
          WHERE has_inbox AND any_log.command_id = a.command OFFSET 0
        ) AS b
        WHERE b.log = p_log LIMIT 1
      ) AS waiting ON true
      CROSS JOIN LATERAL (
        SELECT CASE
          WHEN a.command IS NOT NULL AND (EXISTS (
            SELECT 1 FROM rampart_write.events AS done
            WHERE done.command_id = a.command AND done.log = p_log AND done.append_index = 0 OFFSET 0
          ) OR (has_outcomes AND EXISTS (
            SELECT 1 FROM rampart_write.outcomes AS kept
            WHERE kept.log = p_log AND kept.command_id = a.command
              AND (kept.expires_at_ms IS NULL OR kept.expires_at_ms > p_now_ms) OFFSET 0
          ))) THEN 3
          WHEN waiting.fingerprint <> a.fingerprint THEN 5
          WHEN waiting.fingerprint IS NOT NULL AND a.leaves THEN 4
          WHEN a.is_refused OR (a.expected >= 0 AND a.expected <> coalesce(newest.version, 0)) THEN 1
          ELSE 0
        END AS status OFFSET 0
      ) AS verdict
    ) AS found
    WINDOW in_order AS (ORDER BY found.i ROWS UNBOUNDED PRECEDING)
    ORDER BY found.i
  ) AS judged;

  IF 0 <> ALL (statuses) THEN
    RETURN;
  END IF;

  -- Numbers are given in the order of the rows, so the n-th new stream has the n-th number.
  IF new_ranks[cardinality(new_ranks)] > 0 THEN
    WITH made AS (
      INSERT INTO rampart_write.streams (log, decider, id)
      SELECT p_log, s.decider, s.id
      FROM unnest(a_decider, a_id, stream_numbers, statuses) WITH ORDINALITY AS s (decider, id, number, status, i)
      WHERE s.number IS NULL AND s.status = 0
      ORDER BY s.i
      RETURNING number
    )
    SELECT array_agg(made.number ORDER BY made.number) INTO new_numbers FROM made;
  END IF;

  SELECT array_agg(known.number ORDER BY wanted.i)
  INTO type_numbers
  FROM unnest(y_name) WITH ORDINALITY AS wanted (name, i)
  LEFT JOIN rampart_write.event_types AS known ON known.name = wanted.name;
  IF array_position(type_numbers, NULL) IS NOT NULL THEN
    -- Another log may be writing the same name at this moment.
    INSERT INTO rampart_write.event_types (name)
    SELECT wanted.name FROM unnest(y_name) AS wanted (name) ORDER BY wanted.name
    ON CONFLICT (name) DO NOTHING;

    SELECT array_agg(known.number ORDER BY wanted.i)
    INTO type_numbers
    FROM unnest(y_name) WITH ORDINALITY AS wanted (name, i)
    LEFT JOIN rampart_write.event_types AS known ON known.name = wanted.name;
  END IF;

  INSERT INTO rampart_write.events (
    position, stream, command_id, recorded_at_ms, log, version, type, schema_version, append_index,
    append_events, append_id, content_type, correlation_id, causation_id, actor, data_subject_id, key_id,
    fingerprint, outcome, payload
  )
  SELECT
    positions[e.append] - a_events[e.append] + 1 + e.append_index,
    coalesce(stream_numbers[e.append], new_numbers[new_ranks[e.append]]),
    e.command,
    recorded_ms,
    p_log,
    versions[e.append] - a_events[e.append] + 1 + e.append_index,
    type_numbers[e.type],
    e.schema_version,
    e.append_index,
    e.append_events,
    e.append_id,
    e.content_type,
    e.correlation,
    e.causation,
    e.actor,
    e.subject,
    e.key,
    e.fingerprint,
    e.outcome,
    e.payload
  FROM unnest(
    e_append, e_append_index, e_append_id, e_append_events, e_command, e_correlation, e_causation, e_actor,
    e_fingerprint, e_outcome, e_type, e_schema_version, e_content_type, e_subject, e_key, e_payload
  ) WITH ORDINALITY AS e (
    append, append_index, append_id, append_events, command, correlation, causation, actor,
    fingerprint, outcome, type, schema_version, content_type, subject, key, payload, i
  )
  WHERE statuses[e.append] = 0;

  IF cardinality(a_state) > 0 THEN
    INSERT INTO rampart_write.states (stream, version, state_version, digest, state)
    SELECT
      coalesce(stream_numbers[s.i], new_numbers[new_ranks[s.i]]), versions[s.i], s.state_version, s.digest, s.state
    FROM unnest(a_state_version, a_digest, a_state) WITH ORDINALITY AS s (state_version, digest, state, i)
    WHERE statuses[s.i] = 0 AND s.state IS NOT NULL
    ORDER BY 1
    ON CONFLICT (stream) DO UPDATE
    SET version = excluded.version, state_version = excluded.state_version,
      digest = excluded.digest, state = excluded.state;
  END IF;

  IF has_waiting THEN
    DELETE FROM rampart_write.inbox AS waiting
    WHERE waiting.log = p_log AND waiting.command_id = ANY(
      ARRAY(SELECT a_command[i] FROM generate_subscripts(a_command, 1) AS i WHERE statuses[i] = 0)
    );
  END IF;
  -- The transaction began when the call arrived.
  worked_us := 1000000 * extract(epoch FROM (clock_timestamp() - locked_at) + (asked_at - now()));
END
$$;
