-- The collections of documents that commit with events; those that are built or were kept before are not live.
SELECT l.key, c.name, c.version, 1, c.is_kept, CASE WHEN c.is_kept THEN c.version::text END, now.position, 0
FROM rampart_documents.collections AS c
JOIN rampart_documents.collections_now AS now ON now.number = c.number
JOIN rampart_write.logs AS l ON l.number = c.log
ORDER BY l.key, c.name, c.version
