-- Places after one and through another that have a tag, one of some types (NULL = any), and all of some other tags.
SELECT place
FROM event_tags AS tagged
WHERE tag = ?1 AND place > ?2 AND place <= ?3
AND (?4 IS NULL OR type IN (SELECT value FROM json_each(?4)))
AND NOT EXISTS (
  SELECT 1
  FROM json_each(?5) AS other
  WHERE NOT EXISTS (SELECT 1 FROM event_tags WHERE tag = other.value AND place = tagged.place)
)
ORDER BY place
LIMIT ?6
