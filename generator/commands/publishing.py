"""Putting surveys live on AWS."""

from __future__ import annotations

from pathlib import Path

import click

from .options import data_option, given, paths_argument


@click.command()
@paths_argument
@data_option
@click.option("--site", required=True, help="The site's bucket: SiteBucket of the stack.")
@click.option(
    "--distribution", help="CloudFront's, to tell what changed: Distribution of the stack."
)
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
def publish(
    paths: tuple[Path, ...], data: str, site: str, distribution: str | None, dry_run: bool
) -> None:
    """Put surveys live on AWS: contracts first, then the pages that changed.

    A survey whose change would break it is refused, and nothing is written. Repeat it where it was
    cut off: it goes on.
    """
    import boto3

    from generator.building import Unbuildable, gather
    from generator.data import open_data
    from generator.publishing import publish_site

    try:
        gathered = gather(given(paths))
    except Unbuildable as error:
        click.echo(str(error))
        raise click.ClickException("nothing was published: correct the errors above") from None
    clients = {"s3": boto3.client("s3"), "cloudfront": boto3.client("cloudfront")}
    bucket = site.removeprefix("s3://").strip("/")
    publish_site(gathered, open_data(data), bucket, clients, distribution, dry_run, click.echo)


COMMANDS: list[click.Command] = [publish]
