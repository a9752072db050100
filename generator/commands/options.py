"""What several commands take, worded once."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

SURVEYS = Path("surveys")


paths_argument = click.argument(
    "paths", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[PATHS]..."
)


OF_STAGE = "stage:"


def _placed(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """A stage is where its stack says."""
    if not value.startswith(OF_STAGE):
        return value
    from generator.stage import work_on

    return work_on(value.removeprefix(OF_STAGE), None)


def _as_stage(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """``--data stage:dev`` is ``--stage dev``: a stage has more than its answers."""
    if value is None or not value.startswith(OF_STAGE):
        return value
    stage = value.removeprefix(OF_STAGE)
    named = context.get_parameter_source("stage") is ParameterSource.COMMANDLINE
    if named and context.params["stage"] != stage:
        raise click.UsageError(f"--data {value} and --stage {context.params['stage']}: which?")
    context.params["stage"] = stage
    return None


data_option = click.option(
    "--data",
    default="data",
    envvar="ECHOFORM_DATA",
    show_default=True,
    is_eager=True,  # what a stage has beside its answers is known by the options after it
    callback=_placed,
    help="Where answers lie: a folder, s3://bucket/prefix, or stage:prod on AWS.",
)

stage_option = click.option(
    "--stage",
    default="prod",
    show_default=True,
    is_eager=True,  # --data may name another
    help="The stack that `echoform deploy` made.",
)
data_option_of_stage = click.option(
    "--data",
    envvar="ECHOFORM_DATA",
    callback=_as_stage,
    help="Instead of the stage's: where answers lie, a folder or s3://bucket/prefix.",
)


def figures_options(command: Any) -> Any:
    """What every command that shows figures takes."""
    options = [
        data_option,
        click.option(
            "--out", type=click.Path(path_type=Path), help="A file instead of the screen."
        ),
        click.option(
            "--format",
            "form",
            type=click.Choice(["table", "json", "csv", "xlsx"]),
            default="table",
            show_default=True,
            help="How to show it.",
        ),
        click.option(
            "--with-flagged/--without",
            " /--exclude-flagged",
            default=True,
            help="Count answers that something speaks against, or leave them out.",
        ),
    ]
    for option in options:
        command = option(command)
    return command


def days_options(command: Any) -> Any:
    """Which days figures are of."""
    options = [
        click.option(
            "--wave", help="A period: 2026-Q3, 2026-09, 2026-W38, 2026-09-01..2026-09-30."
        ),
        click.option("--to", "last", metavar="DAY", help="Last day."),
        click.option("--from", "first", metavar="DAY", help="First day, as 2026-05-17."),
    ]
    for option in options:
        command = option(command)
    return command


segment_option = click.option("--segment", metavar="KEY=VALUE", help="Only of these: agent=A07.")


def athena_options(command: Any) -> Any:
    """Which database and workgroup of Athena's."""
    for place, name in enumerate(("database", "workgroup")):
        command = click.option(
            f"--{name}",
            default=partial(_of_athena, place),
            show_default="the stage's, else echoform",
            help=f"Athena's {name}.",
        )(command)
    return command


def _of_athena(place: int) -> str:
    from chalicelib.settings import ATHENA

    return os.environ.get("ECHOFORM_ATHENA", ATHENA).split("/")[place]


def given(paths: tuple[Path, ...]) -> list[Path]:
    """The surveys meant: those named, else the folder ``surveys`` here."""
    if paths:
        return list(paths)
    if SURVEYS.is_dir():
        return [SURVEYS]
    raise click.UsageError(
        "no surveys named, and no folder surveys/ here. `echoform new after-sales` makes one."
    )
