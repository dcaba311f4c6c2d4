-- Seals of ranges of each log, chained by their digests. seal = log * 2^43 + number, as places of events are made.
-- Digests are hexadecimal. marks has 8 digits of each leaf, which tell which event of a range was changed.
CREATE TABLE seals (
  seal INTEGER PRIMARY KEY,
  first_position INTEGER NOT NULL,
  last_position INTEGER NOT NULL,
  epoch TEXT NOT NULL,
  root TEXT NOT NULL,
  sealed_at_ms INTEGER NOT NULL,
  previous TEXT NOT NULL,
  digest TEXT NOT NULL,
  marks TEXT NOT NULL
) STRICT;
