"""What customers are sent."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("survey", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--kind",
    type=click.Choice(["invitation", "notice", "reminder", "verification", "done"]),
    default="invitation",
    show_default=True,
)
@click.option(
    "--channel",
    type=click.Choice(["email", "sms", "wechat", "webhook"]),
    default="email",
    show_default=True,
)
@click.option("--language", default="", help="One of the survey's; its first if left out.")
@click.option("--field", "given", multiple=True, metavar="NAME=VALUE", help="In place of a sample.")
@click.option("--output", type=click.Path(path_type=Path), help="message.html, .eml or .txt")
def message(
    survey: Path, kind: str, channel: str, language: str, given: tuple[str, ...], output: Path
) -> None:
    """Show a message about SURVEY, a file, as a customer gets it; a text with its segments.

    The words are yours to change: see "Messages" in surveys/README.md.
    """
    from generator.messaging import run_message

    run_message(survey, kind, channel, language, given, output, click.echo)


COMMANDS: list[click.Command] = [message]
