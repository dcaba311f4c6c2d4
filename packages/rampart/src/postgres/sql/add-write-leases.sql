-- Which process seals which log. The fence of a lease grows from holder to holder, so rows stay.
CREATE TABLE rampart_write.leases (
  name text COLLATE "C" PRIMARY KEY,
  holder text,
  fence bigint NOT NULL,
  until timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON rampart_write.leases TO rampart_writer;
GRANT SELECT ON rampart_write.leases TO rampart_projector;
