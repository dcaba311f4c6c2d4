-- The newest seal of a log, whose numbers lie between two bounds.
SELECT seal, first_position, last_position, epoch, root, sealed_at_ms, previous, digest, marks
FROM seals
WHERE seal > ? AND seal < ?
ORDER BY seal DESC
LIMIT 1
