-- Who runs: a row for each app that a process has open, moved on by the process itself every few seconds. url is null
-- where nothing listens; walled is false for a process that could read what commands change although it only
-- projects or serves.
CREATE TABLE rampart_host.processes (
  id text COLLATE "C" NOT NULL,
  app text COLLATE "C" NOT NULL,
  roles text[] NOT NULL,
  pid integer NOT NULL,
  host text NOT NULL,
  url text,
  walled boolean NOT NULL,
  since timestamptz NOT NULL,
  seen timestamptz NOT NULL,
  PRIMARY KEY (id, app)
);
