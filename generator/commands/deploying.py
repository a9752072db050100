"""Running it on AWS: packages, and the stack that is made of them."""

from __future__ import annotations

from pathlib import Path

import click

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("--output", "-o", type=_FOLDER, default=Path("build"), show_default=True)
@click.option(
    "--architecture",
    type=click.Choice(["arm64", "x86_64"]),
    default="arm64",
    show_default=True,
    help="Of the processors; arm64 costs a fifth less.",
)
@click.option(
    "--wheels", type=_FOLDER, help="A folder that holds the wheels: then no network is used."
)
@click.option("--lock", is_flag=True, help="Take the latest versions, and write the lock anew.")
def package(output: Path, architecture: str, wheels: Path | None, lock: bool) -> None:
    """Make what AWS is given: the functions, their layer, and CloudFormation templates.

    Versions and hashes are those of the lock, and the same files give the same bytes.
    """
    from generator import packaging

    if lock:
        packaging.relock(wheels)
    made = packaging.package(output, architecture, wheels)
    for name in made.digests:
        size = (output / name).stat().st_size / (1 << 20)
        inside = f", {made.sizes[name] / (1 << 20):.0f} MB unzipped" if name in made.sizes else ""
        click.echo(f"{output / name}  {size:.1f} MB{inside}")
    left = (packaging.LARGEST - sum(made.sizes.values())) / (1 << 20)
    click.echo(f"Lambda takes 250 MB unzipped together: {left:.0f} MB are left")


@click.command()
@click.option("--dry-run", is_flag=True, help="Show it, and ask AWS nothing.")
@click.option("--partition", type=click.Choice(["aws", "aws-cn"]), default="aws", show_default=True)
@click.option("--waf", is_flag=True, help="With a WAF before the site.")
@click.option("--own-key", is_flag=True, help="With a KMS key of its own.")
def deploy(dry_run: bool, partition: str, waf: bool, own_key: bool) -> None:
    """Show every resource that would be made on AWS, and what it costs, with the arithmetic."""
    if not dry_run:
        raise click.UsageError(
            "only --dry-run is there yet; infra/README.md says how AWS's own command line deploys"
        )
    from generator.deployment import shown

    for line in shown(partition, waf, own_key):
        click.echo(line)


COMMANDS: list[click.Command] = [package, deploy]
