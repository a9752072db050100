-- Which dimension is weakest? All scales moved to 1 to 5, where the bands are.
SELECT dimension, COUNT(*) AS n,
  AVG(1E0 + 4E0 * CAST(rating - low AS DOUBLE) / CAST(high - low AS DOUBLE)) AS mean
FROM "ratings_after_sales" WHERE dimension IS NOT NULL
GROUP BY dimension ORDER BY mean, dimension
