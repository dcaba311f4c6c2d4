-- The documents of one collection; data is null for deleted ones. After it stand one text column per declared index,
-- and the words of the searchable members, each behind a space, when there are any.
CREATE TABLE {schema}.documents_{number} (
  key text COLLATE "C" PRIMARY KEY,
  version bigint,
  position bigint NOT NULL,
  data text{columns}
);

CREATE INDEX documents_{number}_by_position ON {schema}.documents_{number} (position, key);

GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.documents_{number} TO {keeper};
GRANT SELECT ON {schema}.documents_{number} TO rampart_projector, rampart_reader;
