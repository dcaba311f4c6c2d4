-- The last stored state of each stream that has one: a state row or a snapshot, as its repository wants.
-- version is that of the stream after the append that stored it.
CREATE TABLE states (
  stream INTEGER PRIMARY KEY,
  version INTEGER NOT NULL,
  state_version INTEGER NOT NULL,
  digest TEXT NOT NULL,
  state TEXT NOT NULL
) STRICT;
