"""Campaigns under way: how they stand, reminders by hand, closing."""

from __future__ import annotations

import sys
from typing import Any, TextIO

import click

from .options import data_option


@click.command()
@click.argument("survey", required=False)
@data_option
def campaigns(survey: str | None, data: str) -> None:
    """List campaigns (of SURVEY), how far their invitations came, and what is in doubt."""
    from generator.campaigning import run_campaigns

    run_campaigns(survey, data, click.echo)


@click.command()
@click.argument("survey")
@click.argument("campaign")
@click.argument("invitations", nargs=-1)
@click.option("--sent", "kind", flag_value="sent", help="They went out.")
@click.option("--again", "kind", flag_value="again", help="They did not: send them again.")
@data_option
def settle(survey: str, campaign: str, invitations: tuple[str, ...], kind: Any, data: str) -> None:
    """Say whether invitations in doubt went out: those named, or all of CAMPAIGN.

    In doubt is what was cut off between sending and noting it, a few at most.
    """
    from generator.campaigning import run_settle

    if kind is None:
        raise click.UsageError("say --sent or --again")
    run_settle(survey, campaign, invitations, kind, data, click.echo)


@click.command()
@click.argument("survey")
@click.option("--campaign", default="", help="Only of this one.")
@data_option
def remind(survey: str, campaign: str, data: str) -> None:
    """Remind now whoever has not answered SURVEY: at most once a day, at most twice in all."""
    from generator.campaigning import run_remind

    run_remind(survey, campaign, data, click.echo)


@click.command()
@click.argument("survey")
@data_option
def close(survey: str, data: str) -> None:
    """Close SURVEY: no more answers, invitations or reminders, until it is opened again."""
    from generator.campaigning import run_close

    run_close(survey, True, data, click.echo)


@click.command()
@click.argument("survey")
@data_option
def reopen(survey: str, data: str) -> None:
    """Open SURVEY again after it was closed."""
    from generator.campaigning import run_close

    run_close(survey, False, data, click.echo)


@click.command("opt-outs")
@click.option("--add", metavar="ADDRESS", help="Send nothing more to this address.")
@click.option("--remove", metavar="ADDRESS", help="This person wants messages again.")
@click.option("--customer", is_flag=True, help="What is given is a customer number.")
@data_option
def opt_outs(add: str | None, remove: str | None, customer: bool, data: str) -> None:
    """List who opted out (as hashes, the only thing kept), or add or remove a person."""
    from generator.campaigning import run_opt_outs

    run_opt_outs(add, remove, customer, data, click.echo)


@click.command()
@click.argument("files", nargs=-1, type=click.File(encoding="utf-8"))
@data_option
def notices(files: tuple[TextIO, ...], data: str) -> None:
    """Put on record what SES or SNS told of messages, from FILES (or standard input).

    A file is what `aws sqs receive-message` prints, or one notification or line of a log each line.
    On AWS a function does the same by itself.
    """
    from generator.campaigning import run_notices

    run_notices([each.read() for each in files or [sys.stdin]], data, click.echo)


COMMANDS: list[click.Command] = [campaigns, remind, settle, close, reopen, opt_outs, notices]
