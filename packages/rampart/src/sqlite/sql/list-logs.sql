-- The logs of a store file, each with its newest epoch.
SELECT l.number, l.key, e.epoch
FROM logs l
JOIN epochs e ON e.log = l.number AND e.ordinal = (SELECT max(ordinal) FROM epochs WHERE log = l.number)
ORDER BY l.number
