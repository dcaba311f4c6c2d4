-- The collections of a read store, with how many of their keys stand still.
SELECT
  log, name, version, generation, is_live, tag, position, number,
  (SELECT count(*) FROM quarantined_keys WHERE collection = number)
FROM collections
ORDER BY log, name, version, generation
