-- How many events of a range have a tag, up to a bound, and the last place that was counted.
SELECT count(*), max(place)
FROM (SELECT place FROM event_tags WHERE tag = ? AND place > ? AND place <= ? ORDER BY place LIMIT ?)
