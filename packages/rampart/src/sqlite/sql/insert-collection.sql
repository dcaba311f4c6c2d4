-- The first collection of a projection is live, and its version names its content, with its generation unless that is 1.
INSERT INTO collections (log, name, version, generation, shape, epoch, position, event_id, is_live, tag)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, 0, '', isFirst,
  iif(isFirst, CAST(CAST(?3 AS INTEGER) AS TEXT) || iif(?4 > 1, '.' || CAST(CAST(?4 AS INTEGER) AS TEXT), ''), NULL)
FROM (SELECT NOT EXISTS (SELECT 1 FROM collections WHERE log = ?1 AND name = ?2) AS isFirst)
RETURNING number;
