-- Did satisfaction drop from a day on (a new process, a price)? Put your day in place of the middle of what there is.
SELECT CASE WHEN since THEN 'since' ELSE 'before' END AS period, COUNT(*) AS n,
  AVG(CAST("overall" AS DOUBLE)) AS mean, STDDEV_SAMP(CAST("overall" AS DOUBLE)) AS deviation
FROM (
  SELECT "overall", CAST(dt AS DATE) >= chosen AS since
  FROM "responses_after_sales" CROSS JOIN (
    SELECT CAST(DATE_ADD('day', DATE_DIFF('day', MIN(CAST(dt AS DATE)), MAX(CAST(dt AS DATE))) / 2,
      MIN(CAST(dt AS DATE))) AS DATE) AS chosen FROM "responses_after_sales"
  ) AS days
  WHERE "overall" IS NOT NULL
) AS rated
GROUP BY CASE WHEN since THEN 'since' ELSE 'before' END ORDER BY period
