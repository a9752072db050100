"""Running it on AWS: packages, and the stack that is made of them."""

from __future__ import annotations

from pathlib import Path

import click

from .options import SURVEYS

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


_stage = click.option(
    "--stage", default="prod", show_default=True, help="Each stage is a stack of its own."
)
_region = click.option("--region", help="Where; else AWS_REGION, or your profile's.")
_yes = click.option("--yes", is_flag=True, help="Ask nothing, for scripts.")


@click.command()
@_stage
@_region
@click.option("--alerts", metavar="MAIL", help="Where alarms go to.")
@click.option("--domain", help="Your own domain of the site; in China it must be given.")
@click.option("--certificate", help="Its certificate: an ARN of us-east-1; in China an id of IAM.")
@click.option(
    "--waf/--no-waf", default=None, help="With a WAF that keeps floods away, or no longer."
)
@click.option("--own-key", is_flag=True, help="With a KMS key of its own.")
@click.option(
    "--parameter", "more", multiple=True, metavar="NAME=VALUE", help="Any other of the template's."
)
@click.option(
    "--built", type=_FOLDER, default=Path("build"), show_default=True, help="Where packages lie."
)
@click.option("--previous", is_flag=True, help="What was deployed before what is there now.")
@click.option("--afresh", is_flag=True, help="Take up nothing that a destroyed stage left.")
@click.option(
    "--keeps",
    multiple=True,
    metavar="NAME",
    help="What holds answers and is not made anew, where AWS cannot say before.",
)
@click.option("--dry-run", is_flag=True, help="Show all of it and its costs, and ask AWS nothing.")
@_yes
def deploy(
    stage: str,
    region: str | None,
    alerts: str | None,
    domain: str | None,
    certificate: str | None,
    waf: bool | None,
    own_key: bool,
    more: tuple[str, ...],
    built: Path,
    previous: bool,
    afresh: bool,
    keeps: tuple[str, ...],
    dry_run: bool,
    yes: bool,
) -> None:
    """Make a stage on AWS, or make it what the code is now: shown first, then done.

    Nothing that holds answers is ever replaced or removed. What a parameter was it stays, unless it
    is given anew. A failure is rolled back by AWS, and said; repeat the command then.
    """
    named = {"Alerts": alerts, "Domain": domain, "Certificate": certificate}
    parameters = {name: value for name, value in named.items() if value is not None}
    parameters |= dict(map(_pair, more)) | ({"OwnKey": "yes"} if own_key else {})
    from generator import stacks

    stacks.name(stage)
    if dry_run:
        from generator.estimate import shown

        partition = "aws-cn" if (region or "").startswith("cn-") else "aws"
        for line in shown(partition, bool(waf), own_key):
            click.echo(line)
        click.echo(f"Nothing was asked of AWS. `echoform deploy --stage {stage}` makes it.")
        return
    if previous and (parameters or waf is not None or afresh):
        raise click.UsageError("--previous takes code back and no parameters: leave those out")
    from generator import account, deploying, destroying, packaging, site_addresses

    def agree(question: str) -> bool:
        return yes or click.confirm(question)

    with account.worded():
        clients = account.clients(region)
        if previous:
            outputs = deploying.again(clients, stage, click.echo, agree, keeps=keeps)
        else:
            deploying.possible(clients, stage, parameters)
            try:
                packaging.check(built)
            except packaging.Stale:
                click.echo(f"packaging into {built}")
                packaging.package(built)
            if waf is not None:
                parameters |= deploying.with_waf(clients, stage, built, waf, click.echo, agree)
            outputs = deploying.deploy(
                clients, stage, built, parameters, click.echo, agree, afresh=afresh, keeps=keeps
            )
            if waf is False:
                destroying.remove_waf(clients, stage, click.echo)
    click.echo("What it is called, for other programs:")
    for name, value in sorted(outputs.items()):
        click.echo(f"  {name:16} {value}")
    for line in site_addresses.add(SURVEYS / "site.yaml", outputs):
        click.echo(line)
    if alerts:
        click.echo(f"AWS writes to {alerts}: no alarm comes before the link in that mail is opened")
    click.echo(f"Now put surveys live: echoform publish --stage {stage}")


@click.command()
@click.option("--stage", required=True, help="Which; it must be named.")
@_region
@_yes
def destroy(stage: str, region: str | None, yes: bool) -> None:
    """Remove a stage from AWS, and leave what customers said.

    Answers, follow-ups, the secret of pseudonyms and the key of the data stay where they are, and
    the next `deploy` of this stage takes them up again.
    """
    from generator import account, destroying

    def agree(name: str) -> bool:
        return yes or bool(click.prompt(f"Type {name} to remove it", default="") == name)

    with account.worded():
        left = destroying.destroy(account.clients(region), stage, click.echo, agree)
    click.echo(f"{len(left)} things stay, and cost what they hold.")
    click.echo(f"`echoform deploy --stage {stage}` takes them up again.")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--parameter {text}: it is given as NAME=VALUE")
    return name, value


COMMANDS: list[click.Command] = [package, deploy, destroy]
