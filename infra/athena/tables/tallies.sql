CREATE EXTERNAL TABLE IF NOT EXISTS `tallies` (
  `segment_key` string,
  `segment_value` string,
  `item` string,
  `value` string,
  `flagged` boolean,
  `n` bigint,
  `total` bigint,
  `total_x` bigint,
  `total_y` bigint
)
PARTITIONED BY (`survey` string, `dt` string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
  OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://BUCKET/PREFIX/tallies/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2020-01-01,NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'projection.survey.type' = 'enum',
  'projection.survey.values' = 'after-sales',
  'storage.location.template' = 's3://BUCKET/PREFIX/tallies/${survey}/dt=${dt}/'
)
