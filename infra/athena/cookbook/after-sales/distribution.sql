-- How many gave which point, question by question?
SELECT field, rating, n,
  CAST(n AS DOUBLE) / CAST(SUM(n) OVER (PARTITION BY field) AS DOUBLE) AS share
FROM (SELECT field, rating, COUNT(*) AS n FROM "ratings_after_sales" GROUP BY field, rating) AS counted
ORDER BY field, rating
