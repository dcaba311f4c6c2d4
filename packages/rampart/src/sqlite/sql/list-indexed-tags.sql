-- The index of tags after an entry, and whether each entry is true of its event.
SELECT
  event_tags.tag, event_tags.place, coalesce(tags.name, ''),
  coalesce(events.type = event_tags.type, FALSE) AND EXISTS (
    SELECT 1 FROM json_each(iif(json_valid(events.tags), events.tags, '[]')) AS tag
    WHERE tag.value = tags.name
  )
FROM event_tags
LEFT JOIN tags ON tags.number = event_tags.tag
LEFT JOIN events ON events.place = event_tags.place
WHERE (event_tags.tag, event_tags.place) > (?, ?)
ORDER BY event_tags.tag, event_tags.place
LIMIT ?
