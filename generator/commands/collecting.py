"""Collection: serve it, load and enter answers, run its jobs, see how it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import data_option, given, paths_argument


@click.command()
@paths_argument
@data_option
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--every", default=5.0, show_default=True, help="Seconds between merges and tallies.")
@click.option(
    "--aws-local",
    is_flag=True,
    help="Instead: package everything, deploy it into a stand-in of AWS on this machine, and serve "
    "that. Keeps nothing; needs Linux, Python 3.13, Node.js, and the network once.",
)
def serve(
    paths: tuple[Path, ...], data: str, host: str, port: int, every: float, aws_local: bool
) -> None:
    """Serve surveys for real: pages, API and schedules on one port. Makes them live in DATA."""
    if aws_local:
        from generator.local_aws import run_local_aws

        run_local_aws(given(paths), host, port, click.echo)
        return
    from generator.local import run_server

    run_server(given(paths), data, host, port, every, click.echo)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("survey")
@click.argument("attributes", nargs=-1, type=click.UNPROCESSED, metavar="[--ATTRIBUTE VALUE]...")
@click.option("--channel", required=True, help="How the customer was asked: phone, interview …")
@click.option("--by", required=True, help="Who asked, as a code: A07.")
@click.option(
    "--recording-consent",
    type=click.Choice(["yes", "no"]),
    help="Whether the customer agreed to a recording; leave out where none was made.",
)
@click.option("--link", "code", help="The customer's link, whose one answer this is.")
@click.option("--language", default="", help="One of the survey's; its first if left out.")
@click.option(
    "--resume", type=click.Path(path_type=Path), help="Go on with answers that were kept."
)
@click.option(
    "--from-json", type=click.Path(path_type=Path), help="Ask nothing: hand in what a file holds."
)
@data_option
def enter(survey: str, attributes: tuple[str, ...], **options: Any) -> None:
    """Enter one answer to SURVEY for a customer on the telephone or face to face.

    Questions are asked one by one. A file for --from-json is {"answers": {…}}; give it an "id"
    (a ULID) where a script may hand it in twice.
    """
    from generator.entering import run_enter

    if not run_enter(survey, attributes, **options):
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("name")
@data_option
def job(name: str, data: str) -> None:
    """Run one scheduled function now.

    merge (answers into Parquet), tally (count them), invite (send what is due, learn what became of
    it), follow_up (open follow-ups that are due), escalate (tell leads what is overdue, ask
    customers whether it helped), follow_up_tables (follow-ups into Parquet), judge (whether
    improvement actions have helped) or purge (delete what is not kept any longer).
    """
    from chalicelib.running import JOBS, run_job
    from generator.data import settings

    if name not in JOBS:
        raise click.UsageError(f"no job {name!r}; there are: {', '.join(JOBS)}")
    done = run_job(name, settings(data))
    click.echo(", ".join(f"{key} {value}" for key, value in done.items()))
    if name == "merge":
        from generator.local import rejected

        if count := rejected(data):
            click.echo(f"{count} rejected so far, see `echoform status`", err=True)


@click.command()
@click.argument("survey", required=False)
@click.option("--watch", is_flag=True, help="Of SURVEY: show it again every few seconds.")
@data_option
def status(survey: str | None, watch: bool, data: str) -> None:
    """Of SURVEY: invited, delivered, opened, answered, reminded, opted out, by channel and day.

    Without one: what waits to be merged and since when, and what could not be merged and why.
    """
    if survey is not None:
        from generator.campaigning import run_status

        run_status(survey, data, watch)
        return
    from generator.local import show_status

    show_status(data)


@click.command()
@click.argument("survey")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--map", "map_file", required=True, type=click.Path(path_type=Path))
@data_option
def load(survey: str, file: Path, map_file: Path, data: str) -> None:
    """Load responses from FILE (CSV, Excel or Parquet) into SURVEY, as --map says.

    SURVEY is a survey file, which is made live first, or the id of one that is live. Good rows go
    in, problems are listed by row (exit 1), and loading a file again adds nothing.
    """
    from generator.local import run_load

    if not run_load(survey, file, map_file, data, click.echo):
        raise click.exceptions.Exit(1)


COMMANDS: list[click.Command] = [serve, enter, job, status, load]
