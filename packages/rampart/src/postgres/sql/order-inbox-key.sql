-- Only this index leads from a command to its row, so that no plan which is kept can go through a whole inbox.
ALTER TABLE rampart_write.inbox
  DROP CONSTRAINT inbox_log_command_id_key,
  ADD CONSTRAINT inbox_command_id_log_key UNIQUE (command_id, log);
