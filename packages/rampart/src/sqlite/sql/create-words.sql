-- The words of each document under its id. They arrive folded and separated by spaces, so the plainest tokenizer fits;
-- it takes every character beyond ASCII for a part of a word.
CREATE VIRTUAL TABLE words_{number} USING fts5 (
  words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);
