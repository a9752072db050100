CREATE OR REPLACE VIEW "labels_after_sales" AS
SELECT field, code, MAX(CASE WHEN latest THEN position END) AS position,
  MAX(CASE WHEN language = 'zh-CN' THEN label END) AS label_zh_cn,
  MAX(CASE WHEN language = 'en' THEN label END) AS label_en
FROM (SELECT *, CASE version WHEN 'ad2d3e62f9e91cc1' THEN 0 END = MAX(CASE version WHEN 'ad2d3e62f9e91cc1' THEN 0 END)
    OVER (PARTITION BY field, code) AS latest
  FROM labels WHERE survey = 'after-sales') AS known
WHERE latest GROUP BY field, code
