-- What the roles may do with what commands change. Nobody may change or remove what was recorded: not the events,
-- nor what they are found by. A projector reads the log, and nothing else that commands left.
GRANT USAGE ON SCHEMA rampart_write TO rampart_writer, rampart_projector;

GRANT SELECT ON
  rampart_write.schema_steps, rampart_write.logs, rampart_write.epochs, rampart_write.event_types, rampart_write.streams,
  rampart_write.events, rampart_write.tags, rampart_write.event_tags, rampart_write.seals
TO rampart_writer, rampart_projector;

GRANT INSERT ON
  rampart_write.logs, rampart_write.epochs, rampart_write.event_types, rampart_write.streams, rampart_write.events,
  rampart_write.tags, rampart_write.event_tags, rampart_write.seals
TO rampart_writer;

GRANT SELECT, INSERT, UPDATE, DELETE ON
  rampart_write.outcomes, rampart_write.states, rampart_write.inbox, rampart_write.dead_letters
TO rampart_writer;
