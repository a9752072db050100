-- Did satisfaction change between the last 28 days and the 28 before? The difference of means in standard errors (Welch): beyond 1.96 either way, it hardly is chance.
SELECT now_n, before_n, now_mean, before_mean, now_mean - before_mean AS change,
  (now_mean - before_mean) / NULLIF(SQRT(now_variance / CAST(now_n AS DOUBLE)
    + before_variance / CAST(before_n AS DOUBLE)), 0E0) AS standard_errors
FROM (
  SELECT COUNT_IF(late_wave) AS now_n, COUNT_IF(NOT late_wave) AS before_n,
    AVG(CASE WHEN late_wave THEN rating END) AS now_mean,
    AVG(CASE WHEN NOT late_wave THEN rating END) AS before_mean,
    VAR_SAMP(CASE WHEN late_wave THEN rating END) AS now_variance,
    VAR_SAMP(CASE WHEN NOT late_wave THEN rating END) AS before_variance
  FROM (
    SELECT CAST("overall" AS DOUBLE) AS rating,
      DATE_DIFF('day', CAST(dt AS DATE), newest) < 28 AS late_wave
    FROM "responses_after_sales" CROSS JOIN (SELECT MAX(CAST(dt AS DATE)) AS newest FROM "responses_after_sales") AS ends
    WHERE "overall" IS NOT NULL AND DATE_DIFF('day', CAST(dt AS DATE), newest) < 56
  ) AS rated
) AS waves
