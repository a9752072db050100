-- How does the Net Promoter Score move from week to week (from Monday), and within what margin?
SELECT week, CAST(n AS BIGINT) AS n, 1E2 * (p - d) AS nps,
  1.96E2 * SQRT((p + d - (p - d) * (p - d)) / n) AS margin
FROM (
  SELECT CAST(DATE_TRUNC('week', CAST(dt AS DATE)) AS DATE) AS week,
    CAST(COUNT(*) AS DOUBLE) AS n,
    CAST(COUNT_IF("recommend" >= 9) AS DOUBLE) / CAST(COUNT(*) AS DOUBLE) AS p,
    CAST(COUNT_IF("recommend" <= 6) AS DOUBLE) / CAST(COUNT(*) AS DOUBLE) AS d
  FROM "responses_after_sales" WHERE "recommend" IS NOT NULL
  GROUP BY CAST(DATE_TRUNC('week', CAST(dt AS DATE)) AS DATE)
) AS weeks
ORDER BY week
