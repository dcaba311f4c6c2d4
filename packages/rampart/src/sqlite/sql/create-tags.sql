-- Tags of events, each written once for all logs of the file.
CREATE TABLE tags (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

-- The places of the events with each tag, in order; type is that of the event. Events without tags have no row.
CREATE TABLE event_tags (
  tag INTEGER NOT NULL,
  place INTEGER NOT NULL,
  type INTEGER NOT NULL,
  PRIMARY KEY (tag, place)
) STRICT, WITHOUT ROWID;

INSERT INTO tags (name)
SELECT DISTINCT tag.value FROM events, json_each(events.tags) AS tag
WHERE events.tags IS NOT NULL;

INSERT OR IGNORE INTO event_tags (tag, place, type)
SELECT tags.number, events.place, events.type
FROM events, json_each(events.tags) AS tag JOIN tags ON tags.name = tag.value
WHERE events.tags IS NOT NULL;
