-- Events that carry all of some tags: the list as JSON, and how many it has.
tags IS NOT NULL
AND (
  SELECT count(DISTINCT value)
  FROM json_each(tags)
  WHERE value IN (SELECT value FROM json_each(?))
) = ?
