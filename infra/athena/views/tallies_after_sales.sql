CREATE OR REPLACE VIEW "tallies_after_sales" AS
SELECT "segment_key", "segment_value", "item", "value", "flagged", "n", "total", "dt"
FROM tallies WHERE survey = 'after-sales'
