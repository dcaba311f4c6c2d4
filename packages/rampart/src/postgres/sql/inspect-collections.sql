-- The collections of a read store, with how many of their keys stand still.
SELECT
  log, name, version, generation, is_live, tag, position,
  (SELECT count(*) FROM rampart_read.quarantined_keys AS q WHERE q.collection = c.number)
FROM rampart_read.collections AS c
ORDER BY log, name, version, generation
