-- Appends a batch of which each append has events for one stream that no other append of the batch writes to,
-- without tags, conditions and documents: what append_batch does, with few statements over the whole batch, because
-- none of its appends depends on another. A lone append is the usual one.
--
-- Arguments that begin with a_ are per append, y_ per distinct event type, and e_ per event; indexes count from 1.
-- a_expected is a version, or -1 for any; a_is_refused where what an append builds on came to nothing.
--
-- Each column that is sent costs as much as a short one that is stored. One without any value is empty. a_decider,
-- a_expected, e_type and e_schema_version have one element if all have the same. e_append is empty if each append has
-- one event; then what claims commands stands in a_fingerprint alone.
--
-- versions is NULL where processes keep documents with the log, which append_batch settles. Statuses are those of
-- append_batch, and NULL where all appends were accepted; versions are those of the streams before the appends, or as
-- they stand for a conflict; head_position is the one before all events, which follow it in their order without gaps;
-- worked_us is the time that the call took but for the wait for the log's lock, in microseconds; recorded_ms is the
-- time of the events.

DROP FUNCTION IF EXISTS rampart_write.append_plain;

-- Streams get their numbers before their rows.
GRANT USAGE ON SEQUENCE rampart_write.streams_number_seq TO rampart_writer;

CREATE FUNCTION rampart_write.append_plain(
  p_log integer, p_now_ms bigint,
  a_command uuid[], a_fingerprint text[], a_leaves boolean[],
  a_decider text[], a_id text[], a_expected bigint[], a_is_refused boolean[], a_events integer[],
  a_state_version bigint[], a_digest text[], a_state text[],
  y_name text[],
  e_append integer[], e_append_index integer[], e_append_id text[], e_append_events integer[], e_correlation text[],
  e_causation text[], e_actor text[], e_fingerprint text[], e_outcome text[],
  e_type integer[], e_schema_version integer[], e_content_type text[], e_subject text[], e_key text[],
  e_payload bytea[],
  OUT statuses integer[], OUT versions integer[], OUT head_position bigint, OUT worked_us bigint, OUT recorded_ms bigint
)
LANGUAGE plpgsql
AS $$
DECLARE
  asked_at timestamptz := clock_timestamp();
  locked_at timestamptz;
  is_kept boolean;
  has_inbox boolean;
  has_outcomes boolean;
  has_waiting boolean;
  is_known boolean;
  type_numbers integer[];
  stream_numbers bigint[];
  new_numbers bigint[];
  event_ranks bigint[];
BEGIN
  -- An expression needs no plan of its own. Each statement below sees what was committed before the lock was had.
  IF pg_advisory_xact_lock(1380012368, p_log) IS NULL THEN
    RETURN;
  END IF;
  locked_at := clock_timestamp();
  -- Most logs have neither inbox nor outcomes at most moments, and most commands are new, which spares each append
  -- three look-ups.
  SELECT
    EXISTS (SELECT 1 FROM rampart_documents.collections AS c WHERE c.log = p_log AND c.is_kept),
    coalesce(head.position, 0),
    greatest(head.recorded_at_ms, p_now_ms),
    EXISTS (SELECT 1 FROM rampart_write.inbox AS b WHERE b.log = p_log),
    EXISTS (SELECT 1 FROM rampart_write.outcomes AS kept WHERE kept.log = p_log),
    EXISTS (
      SELECT 1 FROM rampart_write.events AS done WHERE done.command_id = ANY(a_command) AND done.append_index = 0
    ),
    ARRAY(
      SELECT (SELECT t.number FROM rampart_write.event_types AS t WHERE t.name = wanted.name LIMIT 1)
      FROM unnest(y_name) AS wanted (name)
    )
  INTO is_kept, head_position, recorded_ms, has_inbox, has_outcomes, is_known, type_numbers
  FROM (VALUES (1)) AS one
  LEFT JOIN LATERAL (
    SELECT e.position, e.recorded_at_ms FROM rampart_write.events AS e
    WHERE e.log = p_log ORDER BY e.position DESC LIMIT 1
  ) AS head ON true;
  IF is_kept THEN
    RETURN;
  END IF;

  SELECT
    array_agg(judged.status), array_agg(judged.version), array_agg(coalesce(judged.number, judged.new_number)),
    array_agg(judged.new_number), bool_or(judged.is_waiting)
  INTO statuses, versions, stream_numbers, new_numbers, has_waiting
  -- The arrays keep the order of these rows, which sorting for each of them would cost anew. Look-ups that stand in
  -- expressions are left out where they are not needed.
  FROM (
    SELECT
      found.i, found.number, found.version, found.waiting IS NOT NULL AS is_waiting, found.status,
      CASE
        WHEN found.number IS NULL AND found.status = 0 THEN nextval('rampart_write.streams_number_seq')
      END AS new_number
    FROM (
      SELECT
        stood.i, stood.number, stood.version, stood.waiting,
        CASE
          WHEN stood.command IS NOT NULL AND ((is_known AND EXISTS (
            SELECT 1 FROM rampart_write.events AS done
            WHERE done.command_id = stood.command AND done.log = p_log AND done.append_index = 0 OFFSET 0
          )) OR (has_outcomes AND EXISTS (
            SELECT 1 FROM rampart_write.outcomes AS kept
            WHERE kept.log = p_log AND kept.command_id = stood.command
              AND (kept.expires_at_ms IS NULL OR kept.expires_at_ms > p_now_ms) OFFSET 0
          ))) THEN 3
          WHEN stood.waiting <> a_fingerprint[stood.i] THEN 5
          WHEN stood.waiting IS NOT NULL AND stood.leaves THEN 4
          WHEN stood.is_refused OR (stood.expected >= 0 AND stood.expected <> stood.version) THEN 1
          ELSE 0
        END AS status
      FROM (
        SELECT
          a.*,
          -- A scan of an index looks at all that it finds on a page before it gives the first. So it is told to begin
          -- with the version that is expected; who expects a later one than there is is told the last.
          CASE WHEN a.number IS NULL THEN 0 ELSE coalesce((
            SELECT e.version FROM rampart_write.events AS e
            WHERE e.stream = a.number AND e.version >= a.expected ORDER BY e.version DESC LIMIT 1
          ), (
            SELECT e.version FROM rampart_write.events AS e
            WHERE e.stream = a.number ORDER BY e.version DESC LIMIT 1
          ), 0) END AS version,
          CASE WHEN has_inbox THEN (
            SELECT b.fingerprint
            FROM (
              SELECT any_log.log, any_log.fingerprint FROM rampart_write.inbox AS any_log
              WHERE any_log.command_id = a.command OFFSET 0
            ) AS b
            WHERE b.log = p_log LIMIT 1
          ) END AS waiting
        FROM (
          SELECT
            given.i, given.command, given.leaves, given.is_refused,
            coalesce(given.expected, a_expected[1]) AS expected,
            (
              SELECT s.number FROM rampart_write.streams AS s
              WHERE s.log = p_log AND s.decider = coalesce(given.decider, a_decider[1]) AND s.id = given.id LIMIT 1
            ) AS number
          FROM unnest(a_command, a_leaves, a_decider, a_id, a_expected, a_is_refused) WITH ORDINALITY
            AS given (command, leaves, decider, id, expected, is_refused, i)
          OFFSET 0
        ) AS a
        OFFSET 0
      ) AS stood
      OFFSET 0
    ) AS found
    ORDER BY found.i
  ) AS judged;

  IF 0 <> ALL (statuses) THEN
    RETURN;
  END IF;
  IF 0 = ALL (statuses) THEN
    statuses := NULL;
  ELSE
    SELECT array_agg(ranked.rank ORDER BY ranked.i)
    INTO event_ranks
    FROM (
      SELECT e.i, count(*) FILTER (WHERE statuses[coalesce(e.append, e.i)] = 0) OVER (ORDER BY e.i) AS rank
      FROM unnest(e_append, e_append_id) WITH ORDINALITY AS e (append, append_id, i)
    ) AS ranked;
  END IF;

  IF 0 < ANY (new_numbers) THEN
    INSERT INTO rampart_write.streams (number, log, decider, id) OVERRIDING SYSTEM VALUE
    SELECT s.number, p_log, coalesce(s.decider, a_decider[1]), s.id
    FROM unnest(new_numbers, a_decider, a_id) AS s (number, decider, id)
    WHERE s.number IS NOT NULL;
  END IF;

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
    head_position + coalesce(event_ranks[e.i], e.i),
    stream_numbers[its.append],
    a_command[its.append],
    recorded_ms,
    p_log,
    versions[its.append] + 1 + its.append_index,
    type_numbers[coalesce(e.type, e_type[1])],
    coalesce(e.schema_version, e_schema_version[1]),
    its.append_index,
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
    e_append, e_append_index, e_append_id, e_append_events, e_correlation, e_causation, e_actor,
    CASE WHEN cardinality(e_append) = 0 THEN a_fingerprint ELSE e_fingerprint END,
    e_outcome, e_type, e_schema_version, e_content_type, e_subject, e_key, e_payload
  ) WITH ORDINALITY AS e (
    append, append_index, append_id, append_events, correlation, causation, actor,
    fingerprint, outcome, type, schema_version, content_type, subject, key, payload, i
  )
  CROSS JOIN LATERAL (
    SELECT coalesce(e.append, e.i)::integer AS append, coalesce(e.append_index, 0) AS append_index
  ) AS its
  WHERE statuses IS NULL OR statuses[its.append] = 0;

  IF cardinality(a_state) > 0 THEN
    INSERT INTO rampart_write.states (stream, version, state_version, digest, state)
    SELECT
      stream_numbers[s.i], versions[s.i] + a_events[s.i], s.state_version, s.digest, s.state
    FROM unnest(a_state_version, a_digest, a_state) WITH ORDINALITY AS s (state_version, digest, state, i)
    WHERE (statuses IS NULL OR statuses[s.i] = 0) AND s.state IS NOT NULL
    ORDER BY 1
    ON CONFLICT (stream) DO UPDATE
    SET version = excluded.version, state_version = excluded.state_version,
      digest = excluded.digest, state = excluded.state;
  END IF;

  IF has_waiting THEN
    DELETE FROM rampart_write.inbox AS waiting
    WHERE waiting.log = p_log AND waiting.command_id = ANY(
      ARRAY(SELECT a_command[i] FROM generate_subscripts(a_command, 1) AS i WHERE statuses IS NULL OR statuses[i] = 0)
    );
  END IF;
  -- The transaction began when the call arrived.
  worked_us := 1000000 * extract(epoch FROM (clock_timestamp() - locked_at) + (asked_at - now()));
END
$$;
