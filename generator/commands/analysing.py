"""Figures, tables and SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import athena_options, data_option, days_options, figures_options, segment_option


@click.command()
@click.argument("survey")
@click.option(
    "--by",
    multiple=True,
    help="A segment key: an attribute, channel, language, hour, a question; or day, week, month. "
    "Twice for both together.",
)
@days_options
@click.option(
    "--publishable", is_flag=True, help="Only what may be published: nobody small can be found."
)
@click.option(
    "--most",
    type=click.IntRange(1),
    help="Only so many segments, the largest; else a table has 50 and a file has all.",
)
@figures_options
def scores(
    survey: str, by: tuple[str, ...], first: str | None, last: str | None, **options: Any
) -> None:
    """Show a survey's scores: how many answered, means and shares with their 95 % interval."""
    from generator.analyst import show_scores

    show_scores(survey, by, (first, last), **options)


@click.command()
@click.argument("survey")
@click.option("--wave", "waves", multiple=True, help="Twice: 2026-Q2 and 2026-Q3, days, weeks …")
@click.option("--by", help="Instead: each value of this segment key beside the rest.")
@click.option("--on", metavar="QUESTION", help="With --by, which figure; else the index.")
@segment_option
@figures_options
def compare(survey: str, **options: Any) -> None:
    """Compare two waves of a survey: what is higher, lower, or shows no evidence of either.

    Shares by a z test, means by Welch's, all of them together by Holm's; nothing is tested that
    fewer than 30 answered.
    """
    from generator.analyst import show_compared

    show_compared(survey, **options)


@click.command()
@click.argument("survey")
@click.option("--dimension", required=True, help="A dimension, or one rating.")
@click.option("--by", multiple=True, help="Segment keys to look at; all if left out.")
@days_options
@figures_options
def trace(
    survey: str,
    dimension: str,
    by: tuple[str, ...],
    first: str | None,
    last: str | None,
    **options: Any,
) -> None:
    """Trace a low dimension: which agents, hours, service types would lift it most.

    Ranked by how much the score of all would rise if they did as well as the rest.
    """
    from generator.analyst import show_traced

    show_traced(survey, dimension, by, (first, last), **options)


@click.command()
@click.argument("survey")
@click.option("--on", required=True, metavar="QUESTION", help="The rating to explain: overall.")
@click.option("--among", multiple=True, metavar="QUESTION", help="Drivers; all dimensions if none.")
@segment_option
@days_options
@figures_options
def drivers(survey: str, first: str | None, last: str | None, **options: Any) -> None:
    """Show what drives a rating, beside its weight and score, and what to improve first."""
    from generator.analyst import show_drivers

    show_drivers(survey, days=(first, last), **options)


@click.command()
@click.argument("sql")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "parquet"]),
    help="How to print or write it; else as --output ends, else a table.",
)
@click.option("--output", type=click.Path(path_type=Path), help="A file to write instead.")
@click.option(
    "--engine",
    type=click.Choice(["duckdb", "athena"]),
    default="duckdb",
    show_default=True,
    help="Who answers: DuckDB here, or Athena in AWS.",
)
@athena_options
@data_option
def query(sql: str, form: str | None, output: Path | None, **options: Any) -> None:
    """Answer a question in SQL (Athena's, here and there) over the Parquet.

    One table per survey, dashes as underscores: select count(*) from after_sales. "show tables"
    lists all there are.
    """
    from generator.analysing import run_query

    run_query(sql, form, output, **options)


_form = click.option(
    "--format",
    "form",
    type=click.Choice(["parquet", "csv", "xlsx"]),
    help="Else as --output ends.",
)
_file = click.option(
    "--output", type=click.Path(path_type=Path), required=True, help="The file to write."
)


@click.command()
@click.argument("survey")
@_form
@_file
@click.option("--from", "first", metavar="DAY", default="", help="First day, as 2026-05-17.")
@click.option("--to", "last", metavar="DAY", default="", help="Last day.")
@click.option(
    "--labels",
    "language",
    metavar="[LANGUAGE]",
    is_flag=False,
    flag_value="",
    help="Codes as they are called, in the survey's first language or this one.",
)
@click.option("--contacts", is_flag=True, help="With what is personal; noted in the audit trail.")
@data_option
def export(survey: str, **options: Any) -> None:
    """Write the responses of SURVEY to a file, for a spreadsheet or a machine.

    No text becomes a formula. An Excel file goes on in further sheets after 1,048,576 rows.
    """
    from generator.analysing import run_export

    run_export(survey, **options, say=click.echo)


@click.command()
@click.argument("survey")
@_form
@_file
@data_option
def customers(survey: str, output: Path, form: str | None, data: str) -> None:
    """Write what is known of each customer of SURVEY, for the CRM; noted in the audit trail.

    Their last scores, index and day, channel and language, open follow-ups, improvement actions
    they raised, and whether they opted out.
    """
    from generator.knowing import run_customers

    run_customers(survey, output, form, data, click.echo)


@click.command()
@click.argument("survey")
@click.option("--output", type=click.Path(path_type=Path), help="A file to write instead.")
@data_option
def dictionary(survey: str, output: Path | None, data: str) -> None:
    """The data dictionary of SURVEY (a file, or the id of one that is live), as Markdown.

    Every table and column, its type, what it holds and what its codes mean, in Chinese and English.
    """
    from generator.analysing import run_dictionary

    run_dictionary(survey, output, data)


@click.command()
@click.argument("surveys", nargs=-1, metavar="[SURVEY]...")
@click.option(
    "--output", type=click.Path(path_type=Path), help="A folder for it all as files, to read."
)
@click.option("--apply", "make", is_flag=True, help="Make or change it in AWS (Glue and Athena).")
@click.option("--limit", default=10, show_default=True, help="GB that one query may scan.")
@click.option("--results", help="Where answers go: s3://…; else athena/ beside the data.")
@athena_options
@data_option
def athena(surveys: tuple[str, ...], **options: Any) -> None:
    """Tables, views, workgroup and a cookbook for Athena, of SURVEYs (files or ids; else all live).

    Harmless to repeat: do so after a new version went live, or older answers were loaded.
    """
    from generator.analysing import run_athena

    run_athena(surveys, **options, say=click.echo)


COMMANDS: list[click.Command] = [
    scores,
    compare,
    trace,
    drivers,
    query,
    export,
    customers,
    dictionary,
    athena,
]
