CREATE EXTERNAL TABLE IF NOT EXISTS `responses_after_sales` (
  `response` string,
  `received_at` timestamp,
  `hour` int,
  `version` string,
  `language` string,
  `channel` string,
  `duration` int,
  `link` string,
  `entered_by` string,
  `recording_consent` boolean,
  `customer` string,
  `agent` string,
  `team` string,
  `store` string,
  `tier` string,
  `service_type` string,
  `service_type_other` string,
  `reached_by` string,
  `speed` int,
  `speed_na` boolean,
  `skill` int,
  `manner` int,
  `ease` int,
  `ease_na` boolean,
  `what_went_wrong` string,
  `contacts` string,
  `solved` string,
  `overall` int,
  `recommend` int,
  `improve` array<string>,
  `improve_other` string,
  `suggestion` string,
  `call_me` string,
  `index` double,
  `straight_line` boolean,
  `gibberish` boolean,
  `one_character` boolean,
  `honeypot` boolean,
  `too_fast` boolean,
  `plain` boolean,
  `late` boolean,
  `digest` string
)
PARTITIONED BY (`dt` string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
  OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://BUCKET/PREFIX/responses/after-sales/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2020-01-01,NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://BUCKET/PREFIX/responses/after-sales/dt=${dt}/'
)
