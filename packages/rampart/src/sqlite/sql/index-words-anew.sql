-- The words of a collection indexed once more, in a temporary file, and the terms of both indexes as tables.
CREATE VIRTUAL TABLE temp.words_anew USING fts5 (
  words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);
INSERT INTO temp.words_anew (rowid, words) SELECT id, words FROM documents_{number} WHERE words <> '';
CREATE VIRTUAL TABLE temp.terms_anew USING fts5vocab (temp, words_anew, instance);
CREATE VIRTUAL TABLE temp.terms_stored USING fts5vocab (main, words_{number}, instance);
