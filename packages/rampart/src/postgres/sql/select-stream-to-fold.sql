-- A page of one stream for folds, as one row, which costs the driver a fraction of what a row per event does: columns
-- as arrays, names and texts behind a separator that JSON cannot hold. Rows come in the order of the inner statement,
-- which no join may disturb. Payloads that are larger than their share of a page are counted and left out.
SELECT
  count(*) FILTER (WHERE octet_length(found.payload) > :share),
  array_agg(found.position),
  array_agg(found.version),
  array_agg(found.schema_version),
  array_agg(found.append_index),
  array_agg(found.recorded_at_ms),
  string_agg(found.append_id, E'\x1e'),
  string_agg((SELECT t.name FROM rampart_write.event_types AS t WHERE t.number = found.type), E'\x1e'),
  string_agg(
    CASE WHEN octet_length(found.payload) <= :share THEN convert_from(found.payload, 'UTF8') END, E'\x1e'
  )
FROM (
  SELECT e.* FROM rampart_write.events AS e
  :where
  ORDER BY e.:order
  LIMIT :limit
) AS found
