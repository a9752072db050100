-- How do people come, and how many of those who sent their answers gave the rating? (Of who left before sending, ask the recipe completion.)
SELECT channel, COUNT(*) AS n, COUNT("overall") AS rated,
  CAST(COUNT("overall") AS DOUBLE) / CAST(COUNT(*) AS DOUBLE) AS share
FROM "responses_after_sales" GROUP BY channel ORDER BY n DESC, channel
