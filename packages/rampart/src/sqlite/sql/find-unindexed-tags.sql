-- Tags of the events of a stretch that the index of tags lacks.
SELECT events.place, tag.value
FROM events, json_each(iif(json_valid(events.tags), events.tags, '[]')) AS tag
WHERE events.place > ? AND events.place <= ? AND events.tags IS NOT NULL
  AND NOT EXISTS (
    SELECT 1 FROM tags JOIN event_tags ON event_tags.tag = tags.number
    WHERE tags.name = tag.value AND event_tags.place = events.place AND event_tags.type = events.type
  )
