-- What the process that runs a projection said of it last, as JSON, for those that only serve its documents.
CREATE TABLE rampart_read.standings (
  log text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  standing text NOT NULL,
  told_at timestamptz NOT NULL,
  PRIMARY KEY (log, name)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON rampart_read.standings TO rampart_projector;
GRANT SELECT ON rampart_read.standings TO rampart_reader, rampart_writer;
