CREATE EXTERNAL TABLE IF NOT EXISTS `follow_ups_after_sales` (
  `follow_up` string,
  `response` string,
  `rule` string,
  `priority` string,
  `kind` string,
  `state` string,
  `agent` string,
  `team` string,
  `assignee` string,
  `assigned_to_team` string,
  `language` string,
  `store` string,
  `tier` string,
  `detractor` boolean,
  `received_at` timestamp,
  `opened_at` timestamp,
  `first_contact_due` timestamp,
  `contacted_at` timestamp,
  `first_contact_on_time` boolean,
  `resolve_due` timestamp,
  `resolved_at` timestamp,
  `resolved_on_time` boolean,
  `closed_at` timestamp,
  `attempts` int,
  `reopened` int,
  `escalated` string,
  `verification_sent_at` timestamp,
  `verification_reminded_at` timestamp,
  `verification_response` string,
  `outcome` string,
  `erased` boolean
)
PARTITIONED BY (`dt` string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
  OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://BUCKET/PREFIX/follow_ups/after-sales/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2020-01-01,NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://BUCKET/PREFIX/follow_ups/after-sales/dt=${dt}/'
)
