"""The command line. Each command parses, calls and prints; what it calls is loaded only then."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

SURVEYS = Path("surveys")


class Words(click.Group):
    """A group whose errors are ours worded for people, and never a stack trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            # Loaded if it was raised; loading it here would make --help wait for it.
            ours = getattr(sys.modules.get("chalicelib.survey"), "EchoformError", ())
            if isinstance(error, ours):
                raise click.ClickException(str(error)) from None
            raise


@click.group(cls=Words, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="echoform")
def main() -> None:
    """Customer-service surveys: one file becomes a tiny page, its answers become Parquet, scores
    and call-backs.

    Begin with `echoform demo`, or `echoform new after-sales` and then `echoform preview`.
    """


paths_argument = click.argument(
    "paths", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[PATHS]..."
)
data_option = click.option(
    "--data",
    default="data",
    envvar="ECHOFORM_DATA",
    show_default=True,
    help="Where answers lie: a folder, or s3://bucket/prefix.",
)
format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="How to print it.",
)


def figures_options(command: Any) -> Any:
    """What every command that shows figures takes."""
    options = [
        data_option,
        click.option(
            "--out", type=click.Path(path_type=Path), help="A file instead of the screen."
        ),
        click.option(
            "--format",
            "form",
            type=click.Choice(["table", "json", "csv", "xlsx"]),
            default="table",
            show_default=True,
            help="How to show it.",
        ),
        click.option(
            "--with-flagged/--without",
            " /--exclude-flagged",
            default=True,
            help="Count answers that something speaks against, or leave them out.",
        ),
    ]
    for option in options:
        command = option(command)
    return command


def days_options(command: Any) -> Any:
    """Which days figures are of."""
    options = [
        click.option(
            "--wave", help="A period: 2026-Q3, 2026-09, 2026-W38, 2026-09-01..2026-09-30."
        ),
        click.option("--to", "last", metavar="DAY", help="Last day."),
        click.option("--from", "first", metavar="DAY", help="First day, as 2026-05-17."),
    ]
    for option in options:
        command = option(command)
    return command


segment_option = click.option("--segment", metavar="KEY=VALUE", help="Only of these: agent=A07.")


def athena_options(command: Any) -> Any:
    """Which database and workgroup of Athena's."""
    for name in ("database", "workgroup"):
        command = click.option(
            f"--{name}", default="echoform", show_default=True, help=f"Athena's {name}."
        )(command)
    return command


def _given(paths: tuple[Path, ...]) -> list[Path]:
    """The surveys meant: those named, else the folder ``surveys`` here."""
    if paths:
        return list(paths)
    if SURVEYS.is_dir():
        return [SURVEYS]
    raise click.UsageError(
        "no surveys named, and no folder surveys/ here. `echoform new after-sales` makes one."
    )


@main.command()
@click.argument("template", required=False)
@click.option("--id", "survey", help="The new survey's id, if not the template's.")
@click.option("--to", "folder", type=click.Path(path_type=Path), default=SURVEYS, show_default=True)
def new(template: str | None, survey: str | None, folder: Path) -> None:
    """Start a survey from TEMPLATE; without one, list the templates."""
    from generator.templates import copy, names

    if template is None:
        click.echo("\n".join(f"{name}  {title}" for name, title in names().items()))
        return
    written = copy(template, survey or template, folder)
    for path in written:
        click.echo(f"{path}: yours to edit")
    click.echo(f"See it with: echoform preview {folder}")


@main.command()
@paths_argument
def check(paths: tuple[Path, ...]) -> None:
    """Check surveys: every problem at once, as file:line: where: what, what to do.

    PATHS are files or folders; surveys/ if none is given. Exits 1 where there are errors.
    """
    from generator.building import check_all

    compiled, site = check_all(_given(paths))
    for finding in [finding for each in compiled for finding in each.findings]:
        click.echo(str(finding))
    if site:
        click.echo(site)
    wrong = sum(each.contract is None for each in compiled)
    click.echo(f"{len(compiled)} surveys checked, {wrong} with errors", err=True)
    if wrong or site or not compiled:
        raise click.exceptions.Exit(1)


@main.command()
def schema() -> None:
    """Print the JSON Schema of survey files, for editors that help while typing."""
    import json

    from generator.schema import schema as make

    click.echo(json.dumps(make(), ensure_ascii=False, indent=2))


@main.command()
@paths_argument
@click.option(
    "--to", "dist", type=click.Path(path_type=Path), default=Path("dist"), show_default=True
)
def build(paths: tuple[Path, ...], dist: Path) -> None:
    """Compile surveys into a static site. Nothing is written where anything is wrong."""
    from generator.building import Unbuildable, gather, plan, write

    try:
        gathered = gather(_given(paths))
    except Unbuildable as error:
        click.echo(str(error))
        raise click.ClickException("nothing was written: correct the errors above") from None
    for warning in gathered.warnings:
        click.echo(str(warning))
    written = write(plan(gathered, dist), dist)
    for name in written.changed:
        click.echo(f"{dist / name}")
    click.echo(
        f"{len(written.changed)} files written, {len(written.unchanged)} unchanged", err=True
    )


@main.command()
@paths_argument
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8001, show_default=True)
def preview(paths: tuple[Path, ...], host: str, port: int) -> None:
    """Show surveys in phone-sized frames while you write; reloads when a file is saved."""
    from generator.local import run_preview

    run_preview(_given(paths), host, port, click.echo)


@main.command()
@click.argument("survey", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--language", default="", help="One of the survey's; its first if left out.")
@click.option("--size", type=click.Choice(["A4", "A5", "Letter"]), default="A4", show_default=True)
@click.option(
    "--font",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TrueType font to put into the PDF, as print shops want it.",
)
@click.option("--output", required=True, type=click.Path(path_type=Path), help="form.pdf or .html")
def paper(survey: Path, language: str, size: str, font: Path | None, output: Path) -> None:
    """Print SURVEY, a file, as a questionnaire on paper: PDF, or HTML that a browser prints.

    It carries a QR code to the online form (under `url` of site.yaml), conditions in words, and
    the survey's id and version for `echoform enter` and `load`.
    """
    from generator.local import write_paper

    write_paper(survey, language, size, font, output, click.echo)


@main.command()
def words() -> None:
    """Print the software's own words in English, to translate into a language of yours.

    Save the translation as words/LANGUAGE.yaml beside site.yaml.
    """
    from generator.wordlist import template

    click.echo(template(), nl=False)


@main.command()
@paths_argument
@data_option
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--every", default=5.0, show_default=True, help="Seconds between merges and tallies.")
def serve(paths: tuple[Path, ...], data: str, host: str, port: int, every: float) -> None:
    """Serve surveys for real: pages, API and schedules on one port. Makes them live in DATA."""
    from generator.local import run_server

    run_server(_given(paths), data, host, port, every, click.echo)


class Linking(click.Group):
    """`link SURVEY …` makes links; what else one does with links has a name of its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = {*self.commands, *ctx.help_option_names}
        return super().parse_args(ctx, args if args and args[0] in known else ["make", *args])


@main.group(cls=Linking)
def link() -> None:
    """Make links to SURVEY, open (a poster) or personal (one answer); `link show CODE` shows one.

    \b
    link SURVEY --open --store 012 --label "Counter 3"
    link SURVEY --personal --customer C123 --agent A7 --expires 30d
    link SURVEY --from customers.csv --to links.csv
    link show CODE
    """


@link.command(context_settings={"ignore_unknown_options": True})
@click.argument("survey")
@click.argument("attributes", nargs=-1, type=click.UNPROCESSED, metavar="[--ATTRIBUTE VALUE]...")
@click.option("--open", "kind", flag_value="open", help="Takes any number of answers.")
@click.option("--personal", "kind", flag_value="personal", help="Takes exactly one answer.")
@click.option(
    "--from",
    "table",
    type=click.Path(path_type=Path),
    help="A personal link for every row of a CSV, Excel or Parquet file; columns are attributes.",
)
@click.option("--to", type=click.Path(path_type=Path), help="Where --from writes the codes (CSV).")
@click.option("--expires", help="30d, 12h or a day (2026-06-30, its end); else never.")
@click.option("--label", default="", help="For you alone: where the poster hangs.")
@click.option(
    "--site",
    type=click.Path(path_type=Path),
    default=SURVEYS / "site.yaml",
    show_default=True,
    help="The file whose `url` links begin with.",
)
@data_option
def make(survey: str, attributes: tuple[str, ...], **options: Any) -> None:
    """Make links to SURVEY and print their addresses. Attributes: any the survey declares."""
    from generator.issuing import run_link

    run_link(survey, attributes, **options, say=click.echo)


@link.command()
@click.argument("code")
@data_option
def show(code: str, data: str) -> None:
    """What is known of CODE: its survey, whether it is answered or expired, its attributes."""
    from chalicelib.running import now
    from generator.data import open_data
    from generator.issuing import shown

    for name, value in shown(open_data(data), code, now()).items():
        click.echo(f"{name:<10} {value}")


@main.command(context_settings={"ignore_unknown_options": True})
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


@main.command()
@click.argument("name")
@data_option
def job(name: str, data: str) -> None:
    """Run one scheduled function now.

    merge (answers into Parquet), sweep (finish what was cut off), tally (count them) or purge
    (delete what is not kept any longer).
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


@main.command()
@data_option
def status(data: str) -> None:
    """Show what waits to be merged and since when, and what could not be merged and why."""
    from generator.local import show_status

    show_status(data)


@main.command()
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


@main.command()
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
@figures_options
def scores(
    survey: str, by: tuple[str, ...], first: str | None, last: str | None, **options: Any
) -> None:
    """Show a survey's scores: how many answered, means and shares with their 95 % interval."""
    from generator.analyst import show_scores

    show_scores(survey, by, (first, last), **options)


@main.command()
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


@main.command()
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


@main.command()
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


@main.command()
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

    One view per survey, dashes as underscores: select count(*) from after_sales
    """
    from generator.analysing import run_query

    run_query(sql, form, output, **options)


@main.command()
@click.argument("survey")
@click.option(
    "--format",
    "form",
    type=click.Choice(["parquet", "csv", "xlsx"]),
    help="Else as --output ends.",
)
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The file to write.")
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


@main.command()
@click.argument("survey")
@click.option("--output", type=click.Path(path_type=Path), help="A file to write instead.")
@data_option
def dictionary(survey: str, output: Path | None, data: str) -> None:
    """The data dictionary of SURVEY (a file, or the id of one that is live), as Markdown.

    Every table and column, its type, what it holds and what its codes mean, in Chinese and English.
    """
    from generator.analysing import run_dictionary

    run_dictionary(survey, output, data)


@main.command()
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


@main.command()
@click.argument("survey", required=False)
@click.option("--all", "everywhere", is_flag=True, help="In every survey.")
@click.option("--response", metavar="ID", help="One response, by its id.")
@click.option("--customer", metavar="VALUE", help="All of a customer, as links call them.")
@click.option("--contact", metavar="VALUE", help="All with this phone number or address.")
@click.option("--dry-run", "dry", is_flag=True, help="Only show what is held.")
@click.option("--yes", "sure", is_flag=True, help="Do not ask.")
@data_option
def erase(
    survey: str | None,
    everywhere: bool,
    response: str | None,
    customer: str | None,
    contact: str | None,
    dry: bool,
    sure: bool,
    data: str,
) -> None:
    """Erase one person from SURVEY (or from --all), for good: answers, contacts, links, everything.

    Shows what is held and asks first; nothing that comes again later brings it back.
    """
    from generator.erasure import run_erase
    from generator.erasure import who as meant

    if everywhere == (survey is not None):
        raise click.UsageError("name one survey, or say --all")
    by, value = meant(response=response, customer=customer, contact=contact)
    run_erase(survey, by, value, data, dry, sure, click.echo)


@main.command()
@click.argument("survey")
@click.option("--response", required=True, metavar="ID", help="The response, by its id.")
@click.option(
    "--to", "folder", type=click.Path(path_type=Path), required=True, help="Where files are put."
)
@data_option
def uploads(survey: str, response: str, folder: Path, data: str) -> None:
    """Fetch the files that a customer sent with a response to SURVEY; the audit trail notes it."""
    from generator.fetching import run_uploads

    run_uploads(survey, response, folder, data, click.echo)


@main.command()
@click.option(
    "--once", is_flag=True, help="Exit after its own check that every answer is counted once."
)
@click.option("--data", default=None, help="A folder to use; a new temporary one if left out.")
@click.option("--port", default=0, help="0 takes a free one.")
def demo(once: bool, data: str | None, port: int) -> None:
    """Watch it work: surveys, answers, Parquet, scores, SQL; then serves until Ctrl-C."""
    from generator.demo import run_demo

    run_demo(once, data, port, click.echo)


if __name__ == "__main__":
    main(prog_name="echoform")
