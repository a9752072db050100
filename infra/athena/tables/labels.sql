CREATE EXTERNAL TABLE IF NOT EXISTS `labels` (
  `survey` string,
  `version` string,
  `field` string,
  `language` string,
  `position` int,
  `code` string,
  `label` string
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
  OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://BUCKET/PREFIX/labels/'
