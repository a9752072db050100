CREATE EXTERNAL TABLE IF NOT EXISTS `invitations_after_sales` (
  `campaign` string,
  `invitation` string,
  `link` string,
  `channel` string,
  `language` string,
  `stratum` string,
  `customer` string,
  `agent` string,
  `team` string,
  `store` string,
  `tier` string,
  `planned_at` timestamp,
  `send_at` timestamp,
  `noticed_at` timestamp,
  `sent_at` timestamp,
  `delivered_at` timestamp,
  `opened_at` timestamp,
  `answered_at` timestamp,
  `bounced_at` timestamp,
  `opted_out_at` timestamp,
  `expired_at` timestamp,
  `reminders` int,
  `reminded_at` timestamp,
  `state` string,
  `disposition` string
)
PARTITIONED BY (`dt` string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
  OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://BUCKET/PREFIX/invitations/after-sales/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2020-01-01,NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://BUCKET/PREFIX/invitations/after-sales/dt=${dt}/'
)
