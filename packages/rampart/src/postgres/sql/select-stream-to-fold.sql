-- A page of one stream for folds, from its lowest version on, as a row for each hundred or so of its events: a row per
-- event costs the driver more than the event costs a fold, and of one text for all of them nothing can be folded before
-- all of it has come. $4 and $5 are the lowest and the highest version, and $6 is how many events at most.
--
-- A payload that is larger than its share of a page is left out. Whoever counts finds it missing, as any event that is
-- not there.
SELECT page.newest, page.high, start.version, part.types, part.schema_versions, part.payloads
FROM (
  SELECT s.number AS stream, last.version AS newest, least($5::bigint, last.version, $4::bigint + $6::bigint - 1) AS high
  FROM rampart_write.streams AS s
  CROSS JOIN LATERAL (
    SELECT e.version FROM rampart_write.events AS e WHERE e.stream = s.number ORDER BY e.version DESC LIMIT 1
  ) AS last
  WHERE s.log = $1 AND s.decider = $2 AND s.id = $3
) AS page
-- The limit tells whoever plans how few they are.
CROSS JOIN LATERAL (SELECT * FROM generate_series($4, page.high, :events) LIMIT :parts) AS start (version)
CROSS JOIN LATERAL (
  SELECT
    array_agg(found.type) AS types,
    array_agg(found.schema_version) AS schema_versions,
    -- Read as text once and not one by one. A separator ends every character, so that none can span two payloads.
    convert_from(string_agg(found.payload, '\x1e'::bytea), 'UTF8') AS payloads
  FROM (
    SELECT e.type, e.schema_version, e.payload FROM rampart_write.events AS e
    WHERE e.stream = page.stream AND e.version >= start.version AND e.version < start.version + :events
      AND e.version <= page.high AND octet_length(e.payload) <= :share
    ORDER BY e.version
  ) AS found
) AS part
