"""What an author does: start, check, see, print and build surveys."""

from __future__ import annotations

from pathlib import Path

import click

from .options import SURVEYS, given, paths_argument


@click.command()
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


@click.command()
@paths_argument
def check(paths: tuple[Path, ...]) -> None:
    """Check surveys: every problem at once, as file:line: where: what, what to do.

    PATHS are files or folders; surveys/ if none is given. Exits 1 where there are errors.
    """
    from generator.building import check_all

    compiled, site = check_all(given(paths))
    for finding in [finding for each in compiled for finding in each.findings]:
        click.echo(str(finding))
    if site:
        click.echo(site)
    wrong = sum(each.contract is None for each in compiled)
    click.echo(f"{len(compiled)} surveys checked, {wrong} with errors", err=True)
    if wrong or site or not compiled:
        raise click.exceptions.Exit(1)


@click.command()
def schema() -> None:
    """Print the JSON Schema of survey files, for editors that help while typing."""
    import json

    from generator.schema import schema as make

    click.echo(json.dumps(make(), ensure_ascii=False, indent=2))


@click.command()
@paths_argument
@click.option(
    "--to", "dist", type=click.Path(path_type=Path), default=Path("dist"), show_default=True
)
def build(paths: tuple[Path, ...], dist: Path) -> None:
    """Compile surveys into a static site. Nothing is written where anything is wrong."""
    from generator.building import Unbuildable, gather, plan, write

    try:
        gathered = gather(given(paths))
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


@click.command()
@paths_argument
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8001, show_default=True)
def preview(paths: tuple[Path, ...], host: str, port: int) -> None:
    """Show surveys in phone-sized frames while you write; reloads when a file is saved."""
    from generator.local import run_preview

    run_preview(given(paths), host, port, click.echo)


@click.command()
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


@click.command()
def words() -> None:
    """Print the software's own words in English, to translate into a language of yours.

    Save the translation as words/LANGUAGE.yaml beside site.yaml.
    """
    from generator.wordlist import template

    click.echo(template(), nl=False)


COMMANDS: list[click.Command] = [new, check, schema, build, preview, paper, words]
