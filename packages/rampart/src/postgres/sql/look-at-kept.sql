-- The kept collection of a synchronous projection, at the head of its log, and the history of that log.
SELECT now.epoch, now.position, now.event_id, c.version, 1, c.is_kept, c.version::text, c.shape, c.number, l.epochs
FROM rampart_documents.logs AS l
JOIN rampart_documents.collections AS c ON c.log = l.number AND c.name = $2 AND c.is_kept
JOIN rampart_documents.collections_now AS now ON now.number = c.number
WHERE l.key = $1
