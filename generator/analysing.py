"""What analysts' commands do: query, export, dictionary, athena."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import click
from rich.console import Console

from chalicelib import audit
from chalicelib.days import is_day
from chalicelib.published import Definitions
from chalicelib.running import now
from chalicelib.storage import Missing
from chalicelib.survey import Contract, EchoformError
from generator import account, athena, codebook, glue, tabling
from generator.answer import Answer, BadQuery
from generator.building import Unbuildable
from generator.data import open_data
from generator.definition import compile_file
from generator.dictionary import dictionary
from generator.exporting import export
from generator.query import ask, note_query, open_views
from generator.row_files import FORMATS

Say: TypeAlias = Callable[[str], None]

ANYWHERE = "s3://BUCKET/PREFIX"
"""Stands for where the data will lie, in files made before that is known."""


def run_query(
    sql: str,
    form: str | None,
    output: Path | None,
    engine: str,
    database: str,
    workgroup: str,
    data: str,
) -> None:
    """Answer a question in SQL on the terminal or in a file."""
    form = form or _form(output, ("csv", "json", "parquet"), "table")
    if form == "parquet" and output is None:
        raise BadQuery("Parquet is no text to print; say where to write it with --output")
    clients = _clients() if engine == "athena" else {}
    store = open_data(data)
    note_query(store, sql, form if output is None or form != "table" else "text")
    if clients:
        answer = _ask_athena(clients["athena"], sql, database, workgroup)
    else:
        with open_views(store) as views:
            answer = ask(views, sql)
    if form == "parquet" and output:
        answer.to_parquet(output)
        return
    shown = {"table": answer.as_table, "json": answer.as_json, "csv": answer.as_csv}[form]()
    if output is None:
        click.echo(shown)
    else:
        mark = "utf-8-sig" if form == "csv" else "utf-8"  # by which Excel knows it
        output.write_text(shown if form == "csv" else f"{shown}\n", mark, newline="")


def run_export(
    survey: str,
    form: str | None,
    output: Path,
    first: str,
    last: str,
    language: str | None,
    contacts: bool,
    data: str,
    say: Say,
) -> None:
    """Write responses to a file; noted before it is begun."""
    for day in filter(None, (first, last)):
        if not is_day(day):
            raise EchoformError(f"{day!r} is no day; write it as 2026-05-17")
    form = form or _form(output, FORMATS, "")
    if not form:
        raise EchoformError(
            f"{output}: say which kind of file with --format ({', '.join(FORMATS)})"
        )
    store = open_data(data)
    versions = _versions(survey, data)
    if contacts:
        audit.record(store, audit.operator(), "read_contacts", now(), survey)
    audit.record(store, audit.operator(), "export", now(), survey, format=form)
    named = versions[-1].languages[0] if language == "" else language
    done = export(store, versions, form, output, first, last or "~", named, contacts)
    say(f"{output}: {done.rows:,} responses")
    if done.cut:
        say(f"{done.cut} texts were longer than a cell of Excel can be, and lost their end")


def run_dictionary(survey: str, output: Path | None, data: str) -> None:
    """Print or write a survey's data dictionary."""
    text = dictionary(_versions(survey, data))
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, "utf-8")


def run_athena(
    surveys: Sequence[str],
    output: Path | None,
    make: bool,
    limit: int,
    results: str | None,
    database: str,
    workgroup: str,
    data: str,
    say: Say,
) -> None:
    """Write what Athena must know to files, make it in AWS, or both."""
    if not make and output is None:
        raise EchoformError("say where to write it (--output DIR), or make it in AWS (--apply)")
    if make and not data.startswith("s3://"):
        raise EchoformError("Athena reads S3: say where the answers lie, with --data s3://…")
    if make and surveys:
        raise EchoformError("--apply makes all surveys that are live; leave the names out")
    place = data.rstrip("/") if data.startswith("s3://") else ANYWHERE
    clients = _clients() if make else {}
    store = open_data(data)
    named = list(surveys) or Definitions(store).surveys()
    versions = [_versions(survey, data) for survey in named]
    known = {each[-1].id: each for each in versions}
    first = glue.first_day(store, known)
    group = glue.workgroup(workgroup, results or f"{place}/athena/", limit)
    if output is not None:
        for path, text in glue.files(known, place, first, database, group).items():
            target = output / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
        say(f"{output}: written")
    if make:
        for each in versions:
            codebook.write(store, each)
        with account.worded():
            for line in glue.make_workgroup(clients["athena"], group):
                say(line)
            there = tabling.Database(clients, store, data, database, workgroup)
            tables, views = tabling.make(there, known, say)
        say(f"{tables} tables and {views} views are as they should be")


def _clients() -> dict[str, Any]:
    """Of Athena and Glue. Asked for before the store is opened: their credentials are in the
    environment then, and it reads that alone. Raises NoAccount."""
    session = account.session()
    return {name: session.client(name) for name in ("athena", "glue")}


def _ask_athena(client: Any, sql: str, database: str, workgroup: str) -> Answer:
    with account.worded(), Console(stderr=True).status("queued") as status:
        answer, scan = athena.ask(client, sql, database, workgroup, status.update)
    click.echo(str(scan), err=True)
    return answer


def _versions(survey: str, data: str) -> list[Contract]:
    """Every version of the survey of that id; of a survey file, what it says now."""
    path = Path(survey)
    if path.is_file():
        compiled = compile_file(path)
        if compiled.contract is None:
            raise Unbuildable(compiled.findings)
        return [compiled.contract]
    definitions = Definitions(open_data(data))
    try:
        return definitions.versions(survey)
    except Missing:
        live = ", ".join(definitions.surveys()) or "none yet"
        raise EchoformError(f"no survey {survey!r} is live in this data (live: {live})") from None


def _form(output: Path | None, forms: Sequence[str], otherwise: str) -> str:
    ending = output.suffix.lower().removeprefix(".") if output else ""
    return ending if ending in forms else otherwise
