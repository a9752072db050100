"""Links to surveys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import SURVEYS, data_option


class Linking(click.Group):
    """`link SURVEY …` makes links; what else one does with links has a name of its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = {*self.commands, *ctx.help_option_names}
        return super().parse_args(ctx, args if args and args[0] in known else ["make", *args])


@click.group(cls=Linking)
def link() -> None:
    """Make links to SURVEY, open (a poster) or personal (one answer); `link show CODE` shows one.

    \b
    link SURVEY --open --store 012 --label "Counter 3"
    link SURVEY --personal --customer C123 --agent A7 --expires 30d
    link SURVEY --from customers.csv --to links.csv
    link SURVEY --open --from stores.csv
    link show CODE
    """


@link.command(context_settings={"ignore_unknown_options": True})
@click.argument("survey")
@click.argument("attributes", nargs=-1, type=click.UNPROCESSED, metavar="[--ATTRIBUTE VALUE]...")
@click.option("--open", "kind", flag_value="open", help="Takes any number of answers.")
@click.option("--personal", "kind", flag_value="personal", help="Takes exactly one answer.")
@click.option(
    "--from",
    "table",
    type=click.Path(path_type=Path),
    help="A link for every row of a CSV, Excel or Parquet file, personal unless --open; columns "
    "are attributes, and `label`.",
)
@click.option("--to", type=click.Path(path_type=Path), help="Where --from writes the codes (CSV).")
@click.option("--expires", help="30d, 12h or a day (2026-06-30, its end); else never.")
@click.option("--label", default="", help="For you alone: where the poster hangs.")
@click.option(
    "--site",
    type=click.Path(path_type=Path),
    default=SURVEYS / "site.yaml",
    show_default=True,
    help="The file whose `url` links begin with.",
)
@data_option
def make(survey: str, attributes: tuple[str, ...], **options: Any) -> None:
    """Make links to SURVEY and print their addresses. Attributes: any the survey declares."""
    from generator.issuing import run_link

    run_link(survey, attributes, **options, say=click.echo)


@link.command()
@click.argument("code")
@data_option
def show(code: str, data: str) -> None:
    """What is known of CODE: its survey, whether it is answered or expired, its attributes."""
    from chalicelib.running import now
    from generator.data import open_data
    from generator.issuing import shown

    for name, value in shown(open_data(data), code, now()).items():
        click.echo(f"{name:<10} {value}")


COMMANDS: list[click.Command] = [link]
