-- Does it matter whether flagged answers count? (Near duplicates do: they are for review.)
SELECT COUNT(*) AS n, AVG(CAST("overall" AS DOUBLE)) AS mean,
  COUNT_IF(flagged.response IS NULL) AS unflagged_n,
  AVG(CASE WHEN flagged.response IS NULL THEN CAST("overall" AS DOUBLE) END) AS unflagged_mean
FROM "responses_after_sales" AS given LEFT JOIN (
  SELECT DISTINCT response FROM "flags_after_sales" WHERE flag <> 'near_duplicate'
) AS flagged ON flagged.response = given.response
WHERE "overall" IS NOT NULL
