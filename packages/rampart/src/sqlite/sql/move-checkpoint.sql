-- Moves a checkpoint, provided that it stands where the batch began; else it changes no row.
UPDATE collections SET epoch = ?, position = ?, event_id = ?
WHERE number = ? AND epoch = ? AND position = ? AND event_id = ?;
