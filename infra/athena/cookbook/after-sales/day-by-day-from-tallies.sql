-- How does satisfaction move day by day? From the tallies, so it scans next to nothing.
SELECT dt, SUM(n) AS n,
  CAST(SUM(n * CAST(value AS BIGINT)) AS DOUBLE) / CAST(SUM(n) AS DOUBLE) AS mean
FROM "tallies_after_sales"
WHERE segment_key = '' AND item = 'overall' AND value <> 'na'
GROUP BY dt ORDER BY dt
