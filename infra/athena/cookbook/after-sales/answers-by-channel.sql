-- How do people come, and who of them gets to the rating? (Open links have no list of whom was asked, so there is no response rate, only how many answer what.)
SELECT channel, COUNT(*) AS n, COUNT("overall") AS rated,
  CAST(COUNT("overall") AS DOUBLE) / CAST(COUNT(*) AS DOUBLE) AS completion
FROM "responses_after_sales" GROUP BY channel ORDER BY n DESC, channel
