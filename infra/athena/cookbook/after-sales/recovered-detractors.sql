-- How many detractors (0 to 6) said that it helped, by the month their follow-up was opened? Of all of them: those who were never reached or did not answer too.
SELECT month, CAST(n AS BIGINT) AS detractors, CAST(hits AS BIGINT) AS recovered,
  hits / n AS share, CAST(unreachable AS BIGINT) AS unreachable
FROM (
  SELECT CAST(DATE_TRUNC('month', CAST(dt AS DATE)) AS DATE) AS month,
    CAST(COUNT(*) AS DOUBLE) AS n, CAST(COUNT_IF(outcome = 'verified') AS DOUBLE) AS hits,
    COUNT_IF(outcome = 'unreachable' OR state = 'unreachable') AS unreachable
  FROM "follow_ups_after_sales" WHERE detractor
  GROUP BY CAST(DATE_TRUNC('month', CAST(dt AS DATE)) AS DATE)
) AS months
ORDER BY month
