CREATE EXTERNAL TABLE IF NOT EXISTS `questions` (
  `survey` string,
  `version` string,
  `field` string,
  `language` string,
  `position` int,
  `section` string,
  `section_title` string,
  `question` string,
  `type` string,
  `text` string,
  `hint` string,
  `dimension` string,
  `dimension_title` string,
  `weight` double,
  `low` int,
  `high` int,
  `low_label` string,
  `high_label` string,
  `required` boolean,
  `personal` boolean,
  `text_hash` string
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
  OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://BUCKET/PREFIX/questions/'
