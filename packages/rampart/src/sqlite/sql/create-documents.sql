-- The documents of one collection; data is null for deleted ones. After it stand one text column per declared index,
-- and the words of the searchable members when there are any.
CREATE TABLE documents_{number} (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  version INTEGER,
  position INTEGER NOT NULL,
  data TEXT{columns}
) STRICT;
CREATE INDEX documents_{number}_by_position ON documents_{number} (position, key);
