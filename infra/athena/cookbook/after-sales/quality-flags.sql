-- What speaks against how many answers, by flag? An answer may have several.
SELECT flag, COUNT(*) AS n, COUNT(DISTINCT dt) AS days
FROM "flags_after_sales" GROUP BY flag ORDER BY n DESC, flag
