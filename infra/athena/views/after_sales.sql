CREATE OR REPLACE VIEW "after_sales" AS
SELECT * FROM "responses_after_sales"
