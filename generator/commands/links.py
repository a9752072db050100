"""Links to surveys."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from .options import SURVEYS, data_option

site_option = click.option(
    "--site",
    type=click.Path(path_type=Path),
    default=SURVEYS / "site.yaml",
    show_default=True,
    help="The file whose `url` links begin with.",
)


def heed(site: Path) -> None:
    """Say where links would lead elsewhere than to the stage they are of."""
    from generator.site import load_site
    from generator.site_addresses import ADDRESS, elsewhere

    if at := os.environ.get(ADDRESS):
        url = load_site(site if site.is_file() else None).url
        for line in elsewhere(site, {"url": url}, {"Address": at}):
            click.echo(line, err=True)


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
@site_option
@data_option
def make(survey: str, attributes: tuple[str, ...], **options: Any) -> None:
    """Make links to SURVEY and print their addresses. Attributes: any the survey declares."""
    from generator.issuing import run_link

    heed(options["site"])
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


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("survey")
@click.argument("attributes", nargs=-1, type=click.UNPROCESSED, metavar="[--ATTRIBUTE VALUE]...")
@click.option("--code", help="Draw this link, which there is; else an open one is made.")
@click.option(
    "--from",
    "table",
    type=click.Path(path_type=Path),
    help="One for every row: of stores (open links are made; columns are attributes, and `label`), "
    "or of links, as `link --from` writes them.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="A poster (.pdf), or the code alone (.svg, .png). With --from one PDF, or a folder.",
)
@click.option(
    "--format", "kind", type=click.Choice(["pdf", "svg", "png"]), help="Files in a folder."
)
@click.option(
    "--size",
    type=click.Choice(["card", "A5", "A4", "A3"]),
    help="Of a poster; `card` (105 × 148 mm) stands on a table.  [default: A4]",
)
@click.option("--distance", type=float, help="The smallest sheet that is read from so many metres.")
@click.option("--language", "languages", multiple=True, help="One or two; else the survey's first.")
@click.option(
    "--call",
    "calls",
    multiple=True,
    help="The call to action, as TEXT or LANGUAGE=TEXT.",
)
@click.option(
    "--font",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A TrueType font (.ttf, .ttc) to put into the PDF.",
)
@click.option("--bleed", is_flag=True, help="3 mm of colour beyond the edges, for a print shop.")
@click.option("--expires", help="30d, 12h or a day (2026-06-30, its end); else never.")
@click.option("--label", default="", help="Where it hangs: printed small at its foot.")
@site_option
@data_option
def qr(
    survey: str,
    attributes: tuple[str, ...],
    code: str | None,
    table: Path | None,
    label: str,
    expires: str | None,
    site: Path,
    data: str,
    languages: tuple[str, ...],
    **drawn: Any,
) -> None:
    """Draw QR codes and posters of links to SURVEY.

    \b
    qr SURVEY --store 012 --label "Counter 3" -o poster.pdf
    qr SURVEY --from stores.csv -o posters.pdf
    qr SURVEY --code 7K2M9QXC -o code.svg
    """
    from generator.handing import Wanted, run_qr

    heed(site)
    wanted = Wanted(languages=list(languages), **drawn)
    run_qr(survey, attributes, code, table, label, expires, wanted, site, data, click.echo)


COMMANDS: list[click.Command] = [link, qr]
