"""One person: what they sent, and its end."""

from __future__ import annotations

from pathlib import Path

import click

from .options import data_option


@click.command()
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


@click.command()
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


COMMANDS: list[click.Command] = [erase, uploads]
