"""A copy of all that cannot be made again, and the way back."""

from __future__ import annotations

import click

from .options import data_option_of_stage, stage_option

_PLACE = "A folder, or s3://bucket/prefix of another bucket."


@click.command()
@click.option("--to", "place", required=True, help=_PLACE)
@click.option(
    "--keep",
    "most",
    type=click.IntRange(1),
    default=30,
    show_default=True,
    help="So many snapshots; older ones go, and with them who was erased since.",
)
@stage_option
@data_option_of_stage
def backup(place: str, most: int, stage: str, data: str | None) -> None:
    """Copy answers, follow-ups, links, definitions and all else that cannot be made again.

    Only what changed is read. Not the secret of pseudonyms: keep that apart (infra/README.md).
    """
    from generator.account import worded
    from generator.safekeeping import run_backup

    with worded():
        run_backup(place, most, stage, data, click.echo)


@click.command()
@click.option("--from", "place", required=True, help=_PLACE)
@click.option("--snapshot", help="An older one, as --list names it; else the newest.")
@click.option("--list", "listing", is_flag=True, help="Only list the snapshots there are.")
@stage_option
@data_option_of_stage
def restore(place: str, snapshot: str | None, listing: bool, stage: str, data: str | None) -> None:
    """Put a backup back into an empty folder or bucket, without who was erased since.

    Everything is read again and compared. Repeat it where it was cut off: it goes on.
    """
    from generator.account import worded
    from generator.safekeeping import listed, run_restore

    with worded():
        if listing:
            for line in listed(place):
                click.echo(line)
            return
        run_restore(place, snapshot, stage, data, click.echo)


COMMANDS: list[click.Command] = [backup, restore]
