INSERT INTO collections (log, name, version, shape, epoch, position, event_id)
VALUES (?, ?, ?, ?, ?, 0, '')
RETURNING number;
