-- How long do people take, by language? The median in seconds, and the slowest tenth from.
SELECT language, COUNT(*) AS n,
  MIN(CASE WHEN 2 * place >= people THEN duration END) AS median,
  MIN(CASE WHEN 10 * place >= 9 * people THEN duration END) AS slowest_tenth
FROM (
  SELECT language, duration, COUNT(*) OVER (PARTITION BY language) AS people,
    ROW_NUMBER() OVER (PARTITION BY language ORDER BY duration) AS place
  FROM "responses_after_sales" WHERE duration IS NOT NULL
) AS timed
GROUP BY language ORDER BY language
