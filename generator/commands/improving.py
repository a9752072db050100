"""Improvement actions: what is done about a low dimension, and whether it helped."""

from __future__ import annotations

from typing import Any

import click

from .options import data_option


@click.group()
def actions() -> None:
    """Improvement actions: what is done about a low dimension, judged by the next wave.

    \b
    actions suggest SURVEY --wave 2026-Q3
    actions open SURVEY --dimension attitude --wave 2026-Q3 --owner T1-lead --due 2026-11-30
                 --target 4.2 --cause "…" --plan "…"
    actions carry-out ACTION
    """


@actions.command("list")
@click.argument("survey", default="")
@data_option
def list_(survey: str, data: str) -> None:
    """Every action, of SURVEY or of all; those that wait for somebody first."""
    from chalicelib.actions import every
    from generator.improving import listed

    _print(data, lambda store, now: listed([*every(store, survey)], now))


@actions.command()
@click.argument("survey")
@click.option("--wave", required=True, help="2026-Q3, 2026-09, 2026-09-01..2026-09-30 …")
@data_option
def suggest(survey: str, wave: str, data: str) -> None:
    """Where an action is due: dimensions that are low, and what lowers them most."""
    from chalicelib.actions import Wave
    from chalicelib.lows import low
    from chalicelib.periods import window
    from generator.data import open_data

    found = low(open_data(data), survey, Wave(*window(wave)))
    for each in found:
        worst = f"; most through {each.worst.key}={each.worst.value}" if each.worst else ""
        click.echo(f"{each.dimension}: mean {each.mean:.2f}, n {each.n:,}{worst}")
        click.echo(
            f"  echoform actions open {survey} --dimension {each.dimension} --wave {wave}"
            " --owner … --due … --cause … --plan …"
        )
    if not found:
        click.echo("nothing is low that no action is under way for")


@actions.command("open")
@click.argument("survey")
@click.option("--dimension", required=True, help="A dimension, or one rating.")
@click.option("--wave", required=True, help="The wave it is low in: 2026-Q3.")
@click.option("--segment", default="", metavar="KEY=VALUE", help="Only of these: agent=A07.")
@click.option("--owner", required=True, help="Who sees to it.")
@click.option("--due", required=True, metavar="DAY", help="By when it is carried out.")
@click.option("--target", type=float, help="The mean to reach.")
@click.option("--cause", required=True, help="Why it is low.")
@click.option("--plan", required=True, help="What is done about it.")
@data_option
def open_(survey: str, data: str, **said: Any) -> None:
    """Open an action for a low dimension of SURVEY."""
    from chalicelib import audit
    from chalicelib.improving import begin
    from chalicelib.running import now
    from generator.data import open_data

    dimension, wave = said.pop("dimension"), said.pop("wave")
    store = open_data(data)
    made = begin(store, survey, dimension, wave, audit.operator(), now(), **said)
    click.echo(f"{made.id}: open; when it is done: echoform actions carry-out {made.id}")


@actions.command()
@click.argument("action")
@data_option
def show(action: str, data: str) -> None:
    """All of one ACTION: what it is, every step, and what the next wave says."""
    from chalicelib.actions import read
    from generator.improving import shown

    _print(data, lambda store, now: shown(read(store, action).action))


@actions.command()
@click.argument("action")
@click.argument("said")
@data_option
def note(action: str, said: str, data: str) -> None:
    """Note how it goes."""
    _step(data, action, "note", said=said)


@actions.command()
@click.argument("action")
@click.option("--cause", default="", help="Why it is low.")
@click.option("--plan", default="", help="What is done about it.")
@click.option("--owner", default="")
@click.option("--due", default="", metavar="DAY")
@click.option("--target", type=float)
@data_option
def plan(action: str, data: str, **said: Any) -> None:
    """Change the plan. One that did not help wants another cause and another plan."""
    from chalicelib.improving import day

    if said["due"]:
        day(said["due"])
    _step(data, action, "plan", **said)


@actions.command("carry-out")
@click.argument("action")
@click.option("--said", default="", help="What was done.")
@click.option("--wave", help="In which it is to show; else as many days from tomorrow on.")
@data_option
def carry_out_(action: str, said: str, wave: str | None, data: str) -> None:
    """It is done: the next wave will show whether it helped."""
    from chalicelib import audit
    from chalicelib.improving import carry_out
    from chalicelib.running import now
    from generator.data import open_data

    made = carry_out(open_data(data), action, audit.operator(), now(), said, wave)
    assert made.wave is not None
    click.echo(f"{action}: judged after {made.wave.last}, by the answers from {made.wave.first} on")


@actions.command()
@click.argument("action")
@click.option("--why", required=True)
@data_option
def drop(action: str, why: str, data: str) -> None:
    """Give an action up."""
    _step(data, action, "drop", said=why)


@actions.command()
@click.argument("action")
@click.option("--did", multiple=True, required=True, metavar="LANGUAGE=TEXT", help="What was done.")
@click.option(
    "--contact-rule", "days", default=30, show_default=True, help="Days since they were asked."
)
@click.option("--send", is_flag=True, help="Tell them; else only show whom.")
@data_option
def tell(action: str, did: tuple[str, ...], days: int, data: str, send: bool) -> None:
    """You said, we did: tell the customers whose low answers raised ACTION what was done.

    Each once for an action, by the address they left or were invited by. No name of anybody is
    said, and whoever wants no messages gets none.
    """
    from generator.telling import run_tell

    run_tell(action, did, days, data, send, click.echo)


def _step(data: str, action: str, kind: Any, **said: Any) -> None:
    from chalicelib import audit
    from chalicelib.actions import Step, change
    from chalicelib.running import now
    from generator.data import open_data

    step = Step(at=now(), by=audit.operator(), kind=kind, **said)
    made = change(open_data(data), action, lambda _: step)
    click.echo(f"{made.id}: {made.state.replace('_', ' ')}")


def _print(data: str, shown: Any) -> None:
    from rich.console import Console

    from chalicelib.running import now
    from generator.data import open_data

    Console().print(shown(open_data(data), now()))


COMMANDS: list[click.Command] = [actions]
