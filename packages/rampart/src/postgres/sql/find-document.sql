-- One document, whether it is quarantined, and the checkpoint, in one statement, which makes them belong to one moment.
SELECT c.epoch, c.position, c.event_id, q.key IS NOT NULL, d.version, d.position, d.data
FROM {places} AS c
LEFT JOIN {schema}.documents_{number} AS d ON d.key = $1
LEFT JOIN {schema}.quarantined_keys AS q ON q.collection = {number} AND q.key = $1
WHERE c.number = {number}
