-- A page of one stream for folds, as one row, which costs the driver a fraction of what a row per event does: columns
-- as arrays, names and texts behind a separator that JSON cannot hold. Where all events have the same in a column, it
-- comes once; names of types come once in any case. Events come in the order of the inner statement, which no join may
-- disturb, and with the one beyond the page, which tells whether the stream goes on. Payloads that are larger than their
-- share of a page are counted and left out.
SELECT
  page.large, page.first_version, page.last_version, page.positions, page.append_indexes, page.times,
  page.append_ids, page.schema_versions, page.types, named.numbers, named.names, page.payloads
FROM (
  SELECT
    count(*) FILTER (WHERE octet_length(found.payload) > :share) AS large,
    min(found.version) AS first_version,
    max(found.version) AS last_version,
    array_agg(found.position) AS positions,
    CASE WHEN min(found.append_index) = max(found.append_index) THEN ARRAY[min(found.append_index)]
      ELSE array_agg(found.append_index) END AS append_indexes,
    CASE WHEN min(found.recorded_at_ms) = max(found.recorded_at_ms) THEN ARRAY[min(found.recorded_at_ms)]
      ELSE array_agg(found.recorded_at_ms) END AS times,
    CASE WHEN min(found.append_id COLLATE "C") = max(found.append_id COLLATE "C")
      THEN min(found.append_id COLLATE "C") ELSE string_agg(found.append_id, E'\x1e') END AS append_ids,
    CASE WHEN min(found.schema_version) = max(found.schema_version) THEN ARRAY[min(found.schema_version)]
      ELSE array_agg(found.schema_version) END AS schema_versions,
    CASE WHEN min(found.type) = max(found.type) THEN ARRAY[min(found.type)]
      ELSE array_agg(found.type) END AS types,
    -- Read as text once and not one by one. A separator ends every character, so that none can span two payloads.
    convert_from(
      string_agg(CASE WHEN octet_length(found.payload) <= :share THEN found.payload END, '\x1e'::bytea), 'UTF8'
    ) AS payloads
  FROM (
    SELECT e.* FROM rampart_write.events AS e
    :where
    ORDER BY e.:order
    LIMIT :limit + 1
  ) AS found
) AS page
LEFT JOIN LATERAL (
  SELECT array_agg(t.number ORDER BY t.number) AS numbers, string_agg(t.name, E'\x1e' ORDER BY t.number) AS names
  FROM rampart_write.event_types AS t
  WHERE t.number = ANY(page.types)
) AS named ON true
