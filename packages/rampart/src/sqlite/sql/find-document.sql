-- One document, whether it is quarantined, and the checkpoint, in one statement, which makes them belong to one moment.
SELECT c.epoch, c.position, c.event_id, q.key IS NOT NULL, d.version, d.position, d.data
FROM collections c LEFT JOIN documents_{number} d ON d.key = ?1
LEFT JOIN quarantined_keys q ON q.collection = {number} AND q.key = ?1
WHERE c.number = {number};
