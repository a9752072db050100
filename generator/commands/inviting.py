"""Invitations: customers from a file, asked by e-mail, text message or what else there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .links import heed
from .options import SURVEYS, data_option


@click.command()
@click.argument("survey")
@click.argument("customers", type=click.Path(path_type=Path))
@click.option("--send", is_flag=True, help="Do it. Without, it is only shown.")
@click.option("--yes", is_flag=True, help="With --send: do not ask.")
@click.option("--campaign", help="Its name; else the day. The same name again goes on with it.")
@click.option("--where", default="", metavar="SQL", help="Only whom this is true of.")
@click.option("--sample", metavar="30%|500", help="Draw so many by chance.")
@click.option("--by", metavar="COLUMN", help="With --sample: the same share of each of its values.")
@click.option("--seed", default="", help="With --sample: draw as it was drawn with this.")
@click.option(
    "--channel",
    "channels",
    multiple=True,
    type=click.Choice(["email", "sms", "wechat", "webhook"]),
    help="Again for a second choice, where a customer lacks the first.  [default: email, sms]",
)
@click.option("--send-at", metavar="TIME", help="'2026-05-20 10:00', or a day; else now.")
@click.option("--notice", metavar="3d", help="Announce it so long before.")
@click.option("--window", metavar="7d", help="How long it may be answered.  [default: 14d]")
@click.option("--deadline", metavar="DAY", help="The last day, instead of --window.")
@click.option(
    "--reminders",
    type=click.IntRange(0, 2),
    default=0,
    show_default=True,
    help="At most so many, to those who have not answered.",
)
@click.option("--remind-after", default="3d", show_default=True, help="After so many days.")
@click.option(
    "--contact-rule",
    default="30d",
    show_default=True,
    help="Leave out whom any survey asked within so many days.",
)
@click.option(
    "--quiet", default="21:00-09:00", show_default=True, help="When nothing goes out; or none."
)
@click.option("--incentive", default="", help="A thank-you that messages may mention.")
@click.option(
    "--map", "map_file", type=click.Path(path_type=Path), help="Which column is what; else guessed."
)
@click.option("--country", default="CN", show_default=True, help="Of numbers without a +.")
@click.option(
    "--site",
    type=click.Path(path_type=Path),
    default=SURVEYS / "site.yaml",
    show_default=True,
    help="Its `url` begins the links; its `channels` deliver.",
)
@data_option
def invite(survey: str, customers: Path, **options: Any) -> None:
    """Invite CUSTOMERS (CSV, Excel, Parquet) to answer SURVEY.

    First it only shows: how many, who not and why, three examples, when what goes out. With --send
    it does it. Done again with the same campaign it goes on where it stopped: nobody gets two.

    \b
    invite after-sales june.xlsx --where "tier = 'VIP' and service_date >= current_date - 30"
    invite after-sales june.xlsx --sample 30% --by tier --notice 3d --window 7d --send
    """
    from generator.inviting import run_invite

    heed(options["site"])
    run_invite(survey, customers, **options, say=click.echo, ask=click.confirm)


COMMANDS: list[click.Command] = [invite]
