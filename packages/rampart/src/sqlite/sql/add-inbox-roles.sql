-- The roles of a command's sender as a JSON list; NULL when its sender is no one whom rules are asked about.
ALTER TABLE inbox ADD COLUMN roles TEXT;

ALTER TABLE dead_letters ADD COLUMN roles TEXT;
