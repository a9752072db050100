"""Who may work with follow-ups: tokens for staff, and their end."""

from __future__ import annotations

import click

from .options import data_option


@click.group()
def staff() -> None:
    """Give staff access to follow-ups, and take it back.

    \b
    staff token --sub A07 --role agent --team T1 --hours 8
    staff revoke A07
    """


@staff.command()
@click.option(
    "--sub", required=True, metavar="WHO", help="Whom it is for, as links call the agent."
)
@click.option(
    "--role",
    required=True,
    type=click.Choice(["agent", "lead", "manager", "admin"]),
    help="agent: own customers. lead: their teams. manager, admin: all.",
)
@click.option(
    "--team", "teams", multiple=True, metavar="TEAM", help="A team of theirs; any number."
)
@click.option(
    "--hours",
    type=click.FloatRange(0, 31 * 24, min_open=True),
    default=8,
    show_default=True,
    help="How long it is good for.",
)
@click.option(
    "--site",
    metavar="URL",
    envvar="ECHOFORM_ADDRESS",
    help="Print the address of the staff pages with it; of a stage it is known.",
)
@data_option
def token(
    sub: str, role: str, teams: tuple[str, ...], hours: float, site: str | None, data: str
) -> None:
    """Print a token for one person; the audit trail notes it. Whoever has it is that person."""
    from generator.admitting import run_token

    click.echo(run_token(sub, role, [*teams], hours, site, data))


@staff.command()
@click.argument("sub", metavar="WHO")
@data_option
def revoke(sub: str, data: str) -> None:
    """End every token of WHO at once, an issuer's too. Those made later are good."""
    from generator.admitting import run_revoke

    run_revoke(sub, data)
    click.echo(f"{sub}: every token given so far is refused from now on")


COMMANDS: list[click.Command] = [staff]
