-- Appends a batch to one log: takes the log's lock first, so that each later statement sees all that was
-- committed before it was got; checks each append on its own; numbers and inserts what was accepted.
--
-- Arguments that begin with a_ are per append, s_ per distinct stream, w_ per write, y_ per distinct event
-- type, e_ per event, t_ per tag of an event and d_ per document. Indexes into other arrays count from 1; 0 is
-- none. w_expected is a version, or -1 for any; w_builds_on is an append that must have been accepted.
--
-- p_kept are the collections whose documents this process appends. d_same is the first write of the same document,
-- d_expected its position before, d_builds_on the append that must have written it last in its place; d_event, from
-- 0, is the event of the append that gives it its position, and d_cells the columns of its indexes and words.
--
-- Each look-up stands in a subquery with a limit, which the planner cannot turn into a join over whole tables:
-- plans are kept, and the first one is made while the tables are empty.
--
-- Statuses: 0 accepted, 1 conflict (a_detail: the write from 0, a_actual: its stream's version),
-- 2 matched (a_detail: the condition from 0), 3 a recorded outcome has this command id, 4 it waits in the
-- inbox, 5 it waits there with another fingerprint, 6 outdated (a_detail: the document from 0), 7 nothing is
-- appended because of a collection (a_detail: see settle_kept).
DROP FUNCTION IF EXISTS rampart_write.append_batch;

CREATE FUNCTION rampart_write.append_batch(
  p_log integer, p_now_ms bigint,
  a_append_id text[], a_first_write integer[], a_writes integer[], a_events integer[],
  a_command uuid[], a_fingerprint text[], a_outcome text[], a_expires bigint[], a_leaves boolean[],
  a_correlation text[], a_causation text[], a_actor text[], a_conditions text[],
  s_decider text[], s_id text[],
  w_append integer[], w_stream integer[], w_expected bigint[], w_builds_on integer[], w_events integer[],
  w_state_version bigint[], w_digest text[], w_state text[],
  y_name text[],
  e_append integer[], e_write integer[], e_append_index integer[], e_write_index integer[],
  e_type integer[], e_schema_version integer[], e_content_type text[], e_tags text[],
  e_subject text[], e_key text[], e_payload bytea[],
  t_event integer[], t_name text[],
  p_kept integer[], a_first_document integer[], a_documents integer[],
  d_collection integer[], d_key text[], d_same integer[], d_expected bigint[], d_builds_on integer[],
  d_event integer[], d_version bigint[], d_data text[], d_cells text[],
  OUT statuses integer[], OUT details integer[], OUT actuals integer[], OUT versions integer[],
  OUT positions bigint[], OUT event_ids text[], OUT recorded_ms bigint
)
LANGUAGE plpgsql
AS $$
DECLARE
  appends CONSTANT integer := cardinality(a_append_id);
  head_position bigint := 0;
  head_event text := '';
  first_position bigint;
  stream_numbers bigint[];
  stream_versions integer[];
  type_numbers integer[];
  accepted boolean[] := array_fill(false, ARRAY[appends]);
  write_bases integer[] := w_events;
  unsettled integer := 0;
  -- By the first write of each document: its position so far, the append that wrote it last, and with which write.
  known_positions bigint[];
  writers integer[];
  last_writes integer[];
  written bigint[];
  status integer;
BEGIN
  PERFORM pg_advisory_xact_lock(1380012368, p_log);

  SELECT e.position, e.append_id || '.' || e.append_index, greatest(e.recorded_at_ms, p_now_ms)
  INTO head_position, head_event, recorded_ms
  FROM rampart_write.events AS e
  WHERE e.log = p_log
  ORDER BY e.position DESC
  LIMIT 1;
  IF NOT FOUND THEN
    head_position := 0;
    head_event := '';
    recorded_ms := p_now_ms;
  END IF;
  first_position := head_position;

  SELECT array_agg(known.number ORDER BY wanted.i), array_agg(coalesce(newest.version, 0) ORDER BY wanted.i)
  INTO stream_numbers, stream_versions
  FROM unnest(s_decider, s_id) WITH ORDINALITY AS wanted (decider, id, i)
  LEFT JOIN LATERAL (
    SELECT s.number FROM rampart_write.streams AS s
    WHERE s.log = p_log AND s.decider = wanted.decider AND s.id = wanted.id LIMIT 1
  ) AS known ON true
  LEFT JOIN LATERAL (
    SELECT e.version FROM rampart_write.events AS e
    WHERE e.stream = known.number ORDER BY e.version DESC LIMIT 1
  ) AS newest ON true;

  SELECT array_agg(
    CASE
      WHEN claimed.id IS NULL THEN 0
      WHEN EXISTS (
        SELECT 1 FROM rampart_write.events AS done
        WHERE done.command_id = claimed.id AND done.log = p_log AND done.append_index = 0 OFFSET 0
      ) OR EXISTS (
        SELECT 1 FROM rampart_write.outcomes AS kept
        WHERE kept.log = p_log AND kept.command_id = claimed.id
          AND (kept.expires_at_ms IS NULL OR kept.expires_at_ms > p_now_ms) OFFSET 0
      ) THEN 3
      WHEN waiting.fingerprint IS NULL THEN 0
      WHEN waiting.fingerprint <> claimed.fingerprint THEN 5
      WHEN claimed.leaves THEN 4
      ELSE 0
    END
    ORDER BY claimed.i
  )
  INTO statuses
  FROM unnest(a_command, a_fingerprint, a_leaves) WITH ORDINALITY AS claimed (id, fingerprint, leaves, i)
  LEFT JOIN LATERAL (
    SELECT b.fingerprint FROM rampart_write.inbox AS b
    WHERE b.log = p_log AND b.command_id = claimed.id LIMIT 1
  ) AS waiting ON true;

  details := array_fill(0, ARRAY[appends]);
  actuals := details;
  positions := array_fill(0::bigint, ARRAY[appends]);
  event_ids := array_fill(''::text, ARRAY[appends]);
  versions := w_events;

  IF p_kept <> ARRAY(
    SELECT c.number FROM rampart_documents.collections AS c WHERE c.log = p_log AND c.is_kept ORDER BY c.number
  ) AND 0 < ANY(a_events) THEN
    unsettled := rampart_documents.settle_kept(p_log, p_kept);
  END IF;
  IF cardinality(d_key) > 0 AND unsettled = 0 THEN
    known_positions := rampart_documents.find_positions(d_collection, d_key, d_same);
    writers := array_fill(0, ARRAY[cardinality(d_key)]);
    last_writes := writers;
  END IF;

  FOR i IN 1..appends LOOP
    status := statuses[i];
    IF status = 0 AND unsettled <> 0 AND a_events[i] > 0 THEN
      status := 7;
      details[i] := unsettled;
    END IF;
    IF status = 0 THEN
      FOR j IN a_first_write[i]..a_first_write[i] + a_writes[i] - 1 LOOP
        IF (w_expected[j] >= 0 AND stream_versions[w_stream[j]] <> w_expected[j])
          OR (w_builds_on[j] > 0 AND NOT accepted[w_builds_on[j]])
          OR w_builds_on[j] < 0
        THEN
          status := 1;
          details[i] := j - a_first_write[i];
          actuals[i] := stream_versions[w_stream[j]];
          EXIT;
        END IF;
      END LOOP;
    END IF;
    IF status = 0 AND a_conditions[i] IS NOT NULL THEN
      details[i] := coalesce(rampart_write.match_conditions(p_log, a_conditions[i]), 0) - 1;
      IF details[i] >= 0 THEN
        status := 2;
      END IF;
    END IF;
    IF status = 0 AND a_documents[i] > 0 THEN
      FOR k IN a_first_document[i]..a_first_document[i] + a_documents[i] - 1 LOOP
        IF (d_builds_on[k] = 0 AND known_positions[d_same[k]] <> d_expected[k])
          OR (d_builds_on[k] > 0 AND writers[d_same[k]] <> d_builds_on[k])
          OR d_builds_on[k] < 0
        THEN
          status := 6;
          details[i] := k - a_first_document[i];
          EXIT;
        END IF;
      END LOOP;
    END IF;
    IF status = 0 THEN
      accepted[i] := true;
      FOR j IN a_first_write[i]..a_first_write[i] + a_writes[i] - 1 LOOP
        write_bases[j] := stream_versions[w_stream[j]];
        stream_versions[w_stream[j]] := write_bases[j] + w_events[j];
        versions[j] := stream_versions[w_stream[j]];
      END LOOP;
      IF a_documents[i] > 0 THEN
        FOR k IN a_first_document[i]..a_first_document[i] + a_documents[i] - 1 LOOP
          writers[d_same[k]] := i;
          last_writes[d_same[k]] := k;
          IF d_event[k] IS NOT NULL THEN
            known_positions[d_same[k]] := head_position + d_event[k] + 1;
          END IF;
        END LOOP;
      END IF;
      IF a_events[i] > 0 THEN
        head_position := head_position + a_events[i];
        head_event := a_append_id[i] || '.' || (a_events[i] - 1);
      END IF;
      positions[i] := head_position;
      event_ids[i] := head_event;
    ELSE
      statuses[i] := status;
    END IF;
  END LOOP;

  IF head_position > first_position THEN
    IF array_position(stream_numbers, NULL) IS NOT NULL THEN
      INSERT INTO rampart_write.streams (log, decider, id)
      SELECT p_log, s.decider, s.id
      FROM unnest(s_decider, s_id, stream_numbers, stream_versions) WITH ORDINALITY
        AS s (decider, id, number, version, i)
      WHERE s.number IS NULL AND s.version > 0
      ORDER BY s.i;

      SELECT array_agg(known.number ORDER BY wanted.i)
      INTO stream_numbers
      FROM unnest(s_decider, s_id) WITH ORDINALITY AS wanted (decider, id, i)
      LEFT JOIN LATERAL (
        SELECT s.number FROM rampart_write.streams AS s
        WHERE s.log = p_log AND s.decider = wanted.decider AND s.id = wanted.id LIMIT 1
      ) AS known ON true;
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
      append_events, outcome_version, append_id, content_type, tags, correlation_id, causation_id, actor,
      data_subject_id, key_id, fingerprint, outcome, payload
    )
    SELECT
      positions[e.append] - a_events[e.append] + 1 + e.append_index,
      stream_numbers[w_stream[e.write]],
      a_command[e.append],
      recorded_ms,
      p_log,
      write_bases[e.write] + e.write_index,
      type_numbers[e.type],
      e.schema_version,
      e.append_index,
      CASE WHEN e.append_index = 0 AND a_events[e.append] > 1 THEN a_events[e.append] END,
      CASE WHEN e.append_index = 0 AND a_writes[e.append] > 1 THEN versions[a_first_write[e.append]] END,
      a_append_id[e.append],
      e.content_type,
      e.tags,
      a_correlation[e.append],
      a_causation[e.append],
      a_actor[e.append],
      e.subject,
      e.key,
      CASE WHEN e.append_index = 0 THEN a_fingerprint[e.append] END,
      CASE WHEN e.append_index = 0 THEN a_outcome[e.append] END,
      e.payload
    FROM unnest(
      e_append, e_write, e_append_index, e_write_index, e_type, e_schema_version, e_content_type, e_tags,
      e_subject, e_key, e_payload
    ) WITH ORDINALITY AS e (
      append, write, append_index, write_index, type, schema_version, content_type, tags,
      subject, key, payload, i
    )
    WHERE accepted[e.append]
    ORDER BY e.i;

    IF cardinality(t_event) > 0 THEN
      INSERT INTO rampart_write.tags (name)
      SELECT DISTINCT t.name
      FROM unnest(t_event, t_name) AS t (event, name)
      WHERE accepted[e_append[t.event]]
        AND NOT EXISTS (SELECT 1 FROM rampart_write.tags AS known WHERE known.name = t.name)
      ORDER BY t.name
      ON CONFLICT (name) DO NOTHING;

      INSERT INTO rampart_write.event_tags (tag, log, position, type)
      SELECT DISTINCT
        known.number,
        p_log,
        positions[e_append[t.event]] - a_events[e_append[t.event]] + 1 + e_append_index[t.event],
        type_numbers[e_type[t.event]]
      FROM unnest(t_event, t_name) AS t (event, name)
      JOIN rampart_write.tags AS known ON known.name = t.name
      WHERE accepted[e_append[t.event]];
    END IF;

    IF last_writes IS NOT NULL THEN
      written := array_fill(NULL::bigint, ARRAY[cardinality(d_key)]);
      FOR k IN 1..cardinality(d_key) LOOP
        IF last_writes[k] > 0 THEN
          written[last_writes[k]] := known_positions[k];
        END IF;
      END LOOP;
      PERFORM rampart_documents.write_documents(d_collection, d_key, d_version, written, d_data, d_cells);
    END IF;
  END IF;

  IF cardinality(array_remove(w_state, NULL)) > 0 THEN
    INSERT INTO rampart_write.states (stream, version, state_version, digest, state)
    SELECT DISTINCT ON (stream_numbers[w.stream])
      stream_numbers[w.stream], versions[w.j], w.state_version, w.digest, w.state
    FROM unnest(w_append, w_stream, w_state_version, w_digest, w_state) WITH ORDINALITY
      AS w (append, stream, state_version, digest, state, j)
    WHERE accepted[w.append] AND w.state IS NOT NULL
    ORDER BY stream_numbers[w.stream], w.j DESC
    ON CONFLICT (stream) DO UPDATE
    SET version = excluded.version, state_version = excluded.state_version,
      digest = excluded.digest, state = excluded.state;
  END IF;

  IF cardinality(array_remove(a_command, NULL)) > 0 THEN
    -- An expired outcome of the same id makes room.
    INSERT INTO rampart_write.outcomes (
      log, command_id, fingerprint, outcome, version, position, event_id, recorded_at_ms, expires_at_ms
    )
    SELECT
      p_log, a_command[i], a_fingerprint[i], a_outcome[i], versions[a_first_write[i]], positions[i],
      event_ids[i], recorded_ms, a_expires[i]
    FROM generate_series(1, appends) AS i
    WHERE accepted[i] AND a_events[i] = 0 AND a_command[i] IS NOT NULL
    ON CONFLICT (log, command_id) DO UPDATE
    SET fingerprint = excluded.fingerprint, outcome = excluded.outcome, version = excluded.version,
      position = excluded.position, event_id = excluded.event_id, recorded_at_ms = excluded.recorded_at_ms,
      expires_at_ms = excluded.expires_at_ms;

    IF EXISTS (SELECT 1 FROM rampart_write.inbox AS waiting WHERE waiting.log = p_log) THEN
      DELETE FROM rampart_write.inbox AS waiting
      WHERE waiting.log = p_log AND waiting.command_id = ANY(
        ARRAY(SELECT a_command[i] FROM generate_series(1, appends) AS i WHERE accepted[i])
      );
    END IF;
  END IF;
END
$$;
