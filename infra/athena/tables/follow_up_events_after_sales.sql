CREATE EXTERNAL TABLE IF NOT EXISTS `follow_up_events_after_sales` (
  `follow_up` string,
  `number` int,
  `happened_at` timestamp,
  `who` string,
  `what` string,
  `assigned_to` string,
  `team` string,
  `channel` string,
  `outcome` string,
  `reason` string,
  `verification_response` string
)
PARTITIONED BY (`dt` string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
  OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://BUCKET/PREFIX/follow_up_events/after-sales/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2020-01-01,NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://BUCKET/PREFIX/follow_up_events/after-sales/dt=${dt}/'
)
