-- Who differs from all the others together? Means, and their difference.
SELECT who, n, total / CAST(n AS DOUBLE) AS mean,
  (every - total) / CAST(everybody - n AS DOUBLE) AS rest,
  total / CAST(n AS DOUBLE) - (every - total) / CAST(everybody - n AS DOUBLE) AS difference
FROM (
  SELECT who, n, total, SUM(n) OVER () AS everybody, SUM(total) OVER () AS every
  FROM (
    SELECT "agent" AS who, COUNT(*) AS n, SUM(CAST("overall" AS DOUBLE)) AS total
    FROM "responses_after_sales" WHERE "overall" IS NOT NULL AND "agent" IS NOT NULL GROUP BY "agent"
  ) AS each_one
) AS beside
WHERE everybody > n
ORDER BY difference, who
