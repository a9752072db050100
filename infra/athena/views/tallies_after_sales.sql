CREATE OR REPLACE VIEW "tallies_after_sales" AS
SELECT "segment_key", "segment_value", "item", "value", "flagged", "n", "total", "total_x", "total_y", "dt"
FROM tallies WHERE survey = 'after-sales'
