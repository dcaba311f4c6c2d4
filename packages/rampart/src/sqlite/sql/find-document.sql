-- One document and the checkpoint in one statement, which makes them belong to one moment.
SELECT c.epoch, c.position, c.event_id, d.version, d.position, d.data
FROM collections c LEFT JOIN documents_{number} d ON d.key = ?
WHERE c.number = {number};
