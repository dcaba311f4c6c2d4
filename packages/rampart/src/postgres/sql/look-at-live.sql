-- The live collection of a projection, how many of its keys are quarantined, and what its runner told last and how many
-- milliseconds ago, all of one moment.
SELECT
  c.epoch, c.position, c.event_id, c.version, c.generation, c.is_live, c.tag, c.shape, c.number,
  (SELECT count(*) FROM rampart_read.quarantined_keys AS q WHERE q.collection = c.number),
  s.standing,
  floor(extract(epoch FROM statement_timestamp() - s.told_at) * 1000)::bigint
FROM rampart_read.collections AS c
LEFT JOIN rampart_read.standings AS s ON s.log = c.log AND s.name = c.name
WHERE c.log = $1 AND c.name = $2 AND c.is_live
