-- A page of events in order: as many of those found as stay within the bound in bytes, and at least one. Lengths
-- are known without reading a payload that is stored apart.
SELECT
  position, decider, id, version, type, schema_version, append_id, append_index, recorded_at_ms, command_id,
  content_type, tags, correlation_id, causation_id, actor, data_subject_id, key_id, found, payload, fingerprint, append_events, outcome_version, outcome
FROM (
  SELECT
    found_events.*,
    count(*) OVER () AS found,
    row_number() OVER (ORDER BY ordinal) AS row,
    sum(octet_length(payload)) OVER (ORDER BY ordinal) AS bytes
  FROM (
    SELECT
      e.position, s.decider, s.id, e.version, t.name AS type, e.schema_version, e.append_id, e.append_index,
      e.recorded_at_ms, e.command_id, e.content_type, e.tags, e.correlation_id, e.causation_id, e.actor,
      e.data_subject_id, e.key_id, e.payload, e.fingerprint, coalesce(e.append_events, 1) AS append_events,
      coalesce(e.outcome_version, e.version + coalesce(e.append_events, 1) - 1) AS outcome_version, e.outcome, row_number() OVER (ORDER BY :order) AS ordinal
    FROM rampart_write.events AS e
    JOIN rampart_write.streams AS s ON s.number = e.stream
    JOIN rampart_write.event_types AS t ON t.number = e.type
    :where
    ORDER BY :order
    LIMIT :limit
  ) AS found_events
) AS measured
WHERE bytes <= :bytes OR row = 1
ORDER BY ordinal
