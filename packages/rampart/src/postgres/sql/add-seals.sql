-- Seals of ranges of each log, chained by their digests. Digests are hexadecimal. marks has 8 digits of each leaf,
-- which tell which event of a range was changed.
CREATE TABLE rampart_write.seals (
  log integer NOT NULL,
  number bigint NOT NULL,
  first_position bigint NOT NULL,
  last_position bigint NOT NULL,
  epoch text NOT NULL,
  root text NOT NULL,
  sealed_at_ms bigint NOT NULL,
  previous text NOT NULL,
  digest text NOT NULL,
  marks text NOT NULL,
  PRIMARY KEY (log, number)
);
