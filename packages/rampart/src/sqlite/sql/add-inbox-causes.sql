-- Why a command that waits was given back last; NULL until it was.
ALTER TABLE inbox ADD COLUMN cause TEXT;
