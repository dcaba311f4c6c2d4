-- Which process keeps which projection up to date. The fence of a lease grows from holder to holder, so rows stay.
CREATE TABLE rampart_read.leases (
  name text COLLATE "C" PRIMARY KEY,
  holder text,
  fence bigint NOT NULL,
  until timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON rampart_read.leases TO rampart_projector;
GRANT SELECT ON rampart_read.leases TO rampart_writer, rampart_reader;
