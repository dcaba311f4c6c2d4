-- The index of tags after an entry, with what its event says of itself. Entries without an event have no tags there.
SELECT entry.tag, entry.position, t.name, e.tags, e.type = entry.type
FROM rampart_write.event_tags AS entry
LEFT JOIN rampart_write.tags AS t ON t.number = entry.tag
LEFT JOIN rampart_write.events AS e ON e.log = entry.log AND e.position = entry.position
WHERE entry.log = $1 AND (entry.tag, entry.position) > ($2, $3)
ORDER BY entry.tag, entry.position
LIMIT $4
