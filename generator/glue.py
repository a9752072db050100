"""What Athena must know: a database, its tables with their days projected, views, a workgroup.

All of it follows from contracts and from where the data lies. Tables are made through Glue, which
charges nothing and knows when nothing changed; views through Athena, the one documented way. Days
are projected, so there is no crawler and no partition to add: a day exists once its files do.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chalicelib import counting, keys
from chalicelib.columns import Column
from chalicelib.storage import Store
from generator.catalog import SURVEY, Surveys, Table, View, catalog
from generator.cookbook import cookbook

SINCE = "2020-01-01"
"""The first day that is projected, unless there are older answers: an empty day costs a request."""
LIMIT_GB = 10
TYPES = {
    "string": "string",
    "strings": "array<string>",
    "int32": "int",
    "int64": "bigint",
    "double": "double",
    "bool": "boolean",
    "date": "date",
    "timestamp": "timestamp",
}
_FORMATS = {
    "parquet": (
        "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    ),
    "json": (
        "org.openx.data.jsonserde.JsonSerDe",
        "org.apache.hadoop.mapred.TextInputFormat",
        "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    ),
}


def first_day(store: Store, surveys: Iterable[str]) -> str:
    """The first day that anybody answered on, or SINCE."""
    days = [
        keys.day_of(entry.key)
        for survey in surveys
        for table in (keys.RESPONSES, keys.TALLIES, keys.INVITATIONS, keys.FOLLOW_UPS)
        for entry in store.list(f"{table}{survey}/")
    ]
    return min([SINCE, *days])


def table_input(table: Table, place: str, first: str, surveys: Sequence[str]) -> dict[str, Any]:
    """The table as Glue takes it. ``place``: ``s3://bucket/prefix``; ``surveys``: all of them."""
    serde, reads, writes = _FORMATS[table.kind]
    return {
        "Name": table.name,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [_column(column) for column in table.by],
        "Parameters": {"EXTERNAL": "TRUE", **_projection(table, place, first, surveys)},
        "StorageDescriptor": {
            "Columns": [_column(column) for column in table.columns],
            "Location": f"{place}/{table.prefix}",
            "InputFormat": reads,
            "OutputFormat": writes,
            "SerdeInfo": {"SerializationLibrary": serde},
        },
    }


def table_sql(made: Mapping[str, Any]) -> str:
    """The same table, as SQL for whoever makes it by hand."""
    held = made["StorageDescriptor"]
    listed = ",\n".join(f"  `{c['Name']}` {c['Type']}" for c in held["Columns"])
    by = ", ".join(f"`{c['Name']}` {c['Type']}" for c in made["PartitionKeys"])
    set_to = ",\n".join(
        f"  '{name}' = '{value}'"
        for name, value in made["Parameters"].items()
        if name != "EXTERNAL"
    )
    return "\n".join(
        [
            f"CREATE EXTERNAL TABLE IF NOT EXISTS `{made['Name']}` (\n{listed}\n)",
            *[f"PARTITIONED BY ({by})"] * bool(by),
            f"ROW FORMAT SERDE '{held['SerdeInfo']['SerializationLibrary']}'",
            f"STORED AS INPUTFORMAT '{held['InputFormat']}'",
            f"  OUTPUTFORMAT '{held['OutputFormat']}'",
            f"LOCATION '{held['Location']}'",
            *[f"TBLPROPERTIES (\n{set_to}\n)"] * bool(set_to),
            "",
        ]
    )


def view_sql(view: View) -> str:
    return f'CREATE OR REPLACE VIEW "{view.name}" AS\n{view.sql}\n'


def workgroup(name: str, results: str, limit_gb: int = LIMIT_GB) -> dict[str, Any]:
    """A workgroup in which no query scans more than it may, whoever asks from where."""
    return {
        "Name": name,
        "Description": "Echoform: analysts' queries, with a limit to what one may scan",
        "Configuration": {
            "EnforceWorkGroupConfiguration": True,
            "PublishCloudWatchMetricsEnabled": True,
            "BytesScannedCutoffPerQuery": limit_gb << 30,
            "EngineVersion": {"SelectedEngineVersion": "Athena engine version 3"},
            "ResultConfiguration": {
                "OutputLocation": results,
                "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"},
            },
        },
    }


def files(
    surveys: Surveys, place: str, first: str, database: str, group: Mapping[str, Any]
) -> dict[str, str]:
    """Everything as files by path: what is made, the counting behind scores, and the cookbook."""
    known = catalog(surveys)
    found = {"database.sql": f"CREATE DATABASE IF NOT EXISTS `{database}`\n"}
    found["workgroup.json"] = json.dumps(group, indent=2) + "\n"
    for table in known.tables:
        made = table_sql(table_input(table, place, first, list(surveys)))
        found[f"tables/{table.name}.sql"] = made
    for view in known.views:
        found[f"views/{view.name}.sql"] = view_sql(view)
    for survey, versions in surveys.items():
        counts = counting.statement(versions, keys.table(keys.RESPONSES, survey))
        found[f"tallying/{survey}.sql"] = f"-- The counting behind every score.\n{counts}"
        for recipe in cookbook(versions):
            found[f"cookbook/{survey}/{recipe.name}.sql"] = recipe.file
    return found


def make_tables(
    glue: Any, database: str, tables: Iterable[Mapping[str, Any]], dry_run: bool = False
) -> list[str]:
    """Create or update database and tables; says what changed, nothing where nothing did.

    With ``dry_run`` it only says so.
    """
    changed = []
    try:
        glue.get_database(Name=database)
    except glue.exceptions.EntityNotFoundException:
        if not dry_run:
            glue.create_database(DatabaseInput={"Name": database})
        changed.append(f"database {database} made")
    for table in tables:
        try:
            there = glue.get_table(DatabaseName=database, Name=table["Name"])["Table"]
        except glue.exceptions.EntityNotFoundException:
            if not dry_run:
                glue.create_table(DatabaseName=database, TableInput=dict(table))
            changed.append(f"table {table['Name']} made")
            continue
        if not _holds(there, table):
            if not dry_run:
                glue.update_table(DatabaseName=database, TableInput=dict(table))
            changed.append(f"table {table['Name']} changed")
    return changed


def make_workgroup(athena: Any, wanted: Mapping[str, Any]) -> list[str]:
    """Create the workgroup if there is none; one that is there is its owner's to change."""
    there = athena.list_work_groups()["WorkGroups"]
    if any(each["Name"] == wanted["Name"] for each in there):
        return []
    athena.create_work_group(**wanted)
    return [f"workgroup {wanted['Name']} made"]


def _column(column: Column) -> dict[str, str]:
    return {"Name": column.name, "Type": TYPES[column.type]}


def _projection(table: Table, place: str, first: str, surveys: Sequence[str]) -> dict[str, str]:
    if not table.by:
        return {}
    told = {
        "projection.enabled": "true",
        "projection.dt.type": "date",
        "projection.dt.format": "yyyy-MM-dd",
        "projection.dt.range": f"{first},NOW+1DAYS",
        "projection.dt.interval": "1",
        "projection.dt.interval.unit": "DAYS",
    }
    if SURVEY in table.by:
        told |= {"projection.survey.type": "enum", "projection.survey.values": ",".join(surveys)}
        told |= {"storage.location.template": f"{place}/{table.prefix}${{survey}}/dt=${{dt}}/"}
    else:
        told |= {"storage.location.template": f"{place}/{table.prefix}dt=${{dt}}/"}
    return told


def _holds(there: Any, wanted: Any) -> bool:
    """Whether everything wanted is there as it is wanted, whatever else there is."""
    if isinstance(wanted, Mapping):
        return all(_holds((there or {}).get(name), each) for name, each in wanted.items())
    return bool(there == wanted)
