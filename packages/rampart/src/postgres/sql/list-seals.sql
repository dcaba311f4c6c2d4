SELECT number, first_position, last_position, epoch, root, sealed_at_ms, previous, digest, marks
FROM rampart_write.seals
WHERE log = $1 AND number > $2
ORDER BY number
LIMIT $3
