-- Tags of the events of a stretch that the index of tags lacks.
SELECT e.position, own.name
FROM rampart_write.events AS e CROSS JOIN LATERAL jsonb_array_elements_text(e.tags::jsonb) AS own (name)
WHERE e.log = $1 AND e.position > $2 AND e.position <= $3 AND e.tags IS NOT NULL
  AND NOT EXISTS (
    SELECT 1
    FROM rampart_write.tags AS t
    JOIN rampart_write.event_tags AS entry ON entry.tag = t.number AND entry.log = e.log AND entry.position = e.position
    WHERE t.name = own.name AND entry.type = e.type
  )
