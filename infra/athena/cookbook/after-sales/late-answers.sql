-- How many answers came late, because the phone was offline or its clock is wrong?
SELECT channel, COUNT(*) AS n, COUNT_IF(late) AS late,
  CAST(COUNT_IF(late) AS DOUBLE) / CAST(COUNT(*) AS DOUBLE) AS share
FROM "responses_after_sales" GROUP BY channel ORDER BY channel
