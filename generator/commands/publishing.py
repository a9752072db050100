"""Putting surveys live on AWS, and an earlier release again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import data_option_of_stage, given, paths_argument, stage_option


def _place_options(command: Any) -> Any:
    """Where surveys go live: a stage, or each thing by its name."""
    options = [
        click.option(
            "--distribution", help="Instead of the stage's: CloudFront's, told what changed."
        ),
        click.option("--site", help="Instead of the stage's: the site's bucket."),
        data_option_of_stage,
        stage_option,
    ]
    for option in options:
        command = option(command)
    return command


_dry_option = click.option(
    "--dry-run", is_flag=True, help="Show what would change, and change nothing."
)


@click.command()
@paths_argument
@_place_options
@_dry_option
def publish(paths: tuple[Path, ...], dry_run: bool, **where: Any) -> None:
    """Put surveys live on AWS: contracts first, then the pages that changed, then Athena's tables.

    A survey whose change would break it is refused, and nothing is written. Repeat it where it was
    cut off: it goes on.
    """
    from generator.account import worded
    from generator.building import Unbuildable, gather
    from generator.publishing import publish_site
    from generator.site_addresses import elsewhere
    from generator.stage import place_of

    try:
        gathered = gather(given(paths))
    except Unbuildable as error:
        click.echo(str(error))
        raise click.ClickException("nothing was published: correct the errors above") from None
    with worded():
        there = place_of(**where)
        publish_site(gathered, there, dry_run, click.echo)
    site = gathered.site
    for line in elsewhere(
        Path("site.yaml"), {"url": site.url, "uploads": site.uploads}, there.outputs
    ):
        click.echo(line)
    if not dry_run and (address := there.outputs.get("Address")):
        for contract in gathered.contracts:
            click.echo(f"{address}/{contract.id}/")


@click.command()
@click.option("--to", "number", type=click.IntRange(1), help="That release; else the one before.")
@_place_options
@_dry_option
def rollback(number: int | None, dry_run: bool, **where: Any) -> None:
    """Make the release before the live one live again: pages and contracts.

    Answers that were given meanwhile stay, and pages that are open are answered for seven days.
    """
    from generator.account import worded
    from generator.publishing import roll_back
    from generator.stage import place_of

    with worded():
        roll_back(place_of(**where), number, dry_run, click.echo)


@click.command()
@stage_option
@data_option_of_stage
def releases(stage: str, data: str | None) -> None:
    """List what was published: when, by whom, which surveys, which of it is live."""
    from generator.data import open_data
    from generator.releases import listed
    from generator.stage import work_on

    for line in listed(open_data(work_on(stage, data))):
        click.echo(line)


COMMANDS: list[click.Command] = [publish, rollback, releases]
