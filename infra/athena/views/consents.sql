CREATE OR REPLACE VIEW "consents" AS
SELECT survey, field AS question, version, language, text_hash,
  CASE WHEN hint IS NULL THEN text WHEN text IS NULL THEN hint
    ELSE CONCAT(text, CHR(10), hint) END AS text
FROM questions WHERE text_hash IS NOT NULL
