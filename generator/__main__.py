"""The command line. Each command parses, calls and prints; what it calls is loaded only then."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from generator.commands import (
    analysing,
    backups,
    campaigns,
    collecting,
    deploying,
    follow_ups,
    improving,
    inviting,
    links,
    messages,
    people,
    publishing,
    staff,
    writing,
)


@contextmanager
def _environment_kept() -> Iterator[None]:
    """What a command puts into the environment for libraries and functions (a stage's secret and
    names, an account's credentials) ends with it: whoever calls the next one is asked anew."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


class Words(click.Group):
    """A group whose errors are ours worded for people, and never a stack trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _environment_kept():
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            # Loaded if it was raised; loading it here would make --help wait for it.
            ours = getattr(sys.modules.get("chalicelib.survey"), "EchoformError", ())
            if isinstance(error, ours):
                raise click.ClickException(str(error)) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Listed by who uses them, for thirty in a row are read by nobody."""
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(str(c.name), c.get_short_help_str(80)) for c in commands])


SHOWN = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=Words, context_settings=SHOWN)
@click.version_option(package_name="echoform")
def main() -> None:
    """Customer-service surveys: one file becomes a tiny page, its answers become Parquet, scores
    and call-backs.

    Begin with `echoform demo`, or `echoform new after-sales` and then `echoform preview`.
    """


@click.command()
@click.option(
    "--once", is_flag=True, help="Exit after its own check that every answer is counted once."
)
@click.option("--data", default=None, help="A folder to use; a new temporary one if left out.")
@click.option("--port", default=0, help="0 takes a free one.")
def demo(once: bool, data: str | None, port: int) -> None:
    """Watch it work: surveys, answers, Parquet, scores, SQL; then serves until Ctrl-C."""
    from generator.demo import run_demo

    run_demo(once, data, port, click.echo)


SECTIONS: dict[str, list[click.Command]] = {
    "Begin": [demo, *writing.COMMANDS],
    "Reach customers": [
        *links.COMMANDS,
        *inviting.COMMANDS,
        *campaigns.COMMANDS,
        *messages.COMMANDS,
    ],
    "Collect": collecting.COMMANDS,
    "Call back": follow_ups.COMMANDS,
    "Look at figures": analysing.COMMANDS,
    "Do better": improving.COMMANDS,
    "Protect people": people.COMMANDS,
    "Keep it safe": backups.COMMANDS,
    "Admit staff": staff.COMMANDS,
    "Run on AWS": [*deploying.COMMANDS, *publishing.COMMANDS],
}
for command in [command for commands in SECTIONS.values() for command in commands]:
    main.add_command(command)


if __name__ == "__main__":
    main(prog_name="echoform")
