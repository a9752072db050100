"""Call back: the queue of follow-ups, one of them, what is done about it."""

from __future__ import annotations

import click

from .options import data_option

STATES = (
    "new", "assigned", "contacted", "in_progress", "resolved", "verifying", "closed",
    "unreachable", "reopened",
)  # fmt: skip
MOVES = ("take", "assign", "call", "note", "start", "resolve", "reopen", "give_up", "close")
format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="How to show it.",
)


@click.group("follow-ups")
def follow_ups() -> None:
    """The queue of call-backs: list it, show one, act on it, open some for the past."""


@follow_ups.command("list")
@click.option("--survey", default="", help="Only of this survey.")
@click.option("--team", default="", help="Only in this team's queue.")
@click.option("--assignee", default="", help="Only with this person.")
@click.option("--priority", default="", help="urgent, high or normal.")
@click.option(
    "--state", "some", multiple=True, type=click.Choice(STATES),
    help="Only in this state; may be given more than once. All but closed if left out.",
)  # fmt: skip
@click.option("--overdue", is_flag=True, help="Only what should have been done by now.")
@click.option("--search", "text", default="", help="Words in title, comment, facts or id.")
@click.option("--limit", default=50, show_default=True, help="Rows of the table, at most 200.")
@format_option
@data_option
def list_(
    survey: str,
    team: str,
    assignee: str,
    priority: str,
    some: tuple[str, ...],
    overdue: bool,
    text: str,
    limit: int,
    form: str,
    data: str,
) -> None:
    """Show follow-ups by what is due: overdue first, with what time is left."""
    from chalicelib.follow_ups.port import Query
    from chalicelib.running import now
    from generator.following import run_list, states

    query = Query(
        survey=survey,
        team=team,
        assignee=assignee,
        priority=priority,
        states=states(some),
        due_before=now() if overdue else None,
        text=text,
    )
    run_list(data, query, limit, form, click.echo)


@follow_ups.command()
@click.argument("id")
@format_option
@data_option
def show(id: str, form: str, data: str) -> None:
    """Show one follow-up: scores, comment, clocks, history, and what can be done now."""
    from generator.following import run_show

    run_show(data, id, form, click.echo)


@follow_ups.command()
@click.argument("id")
@click.argument("move", type=click.Choice(MOVES))
@click.option("--by", default="", help="Who acts, as a code: A07. This machine's user if left out.")
@click.option("--to", default="", help="With assign: who gets it.")
@click.option("--team", default="", help="With assign: which team gets it.")
@click.option("--channel", default="", help="With call: phone, sms, email, wechat, visit, other.")
@click.option("--outcome", default="", help="With call: reached, refused, no_answer, wrong_number.")
@click.option("--note", default="", help="With note: what there is to say.")
@click.option("--cause", default="", help="With resolve: why it happened.")
@click.option("--remedy", default="", help="With resolve: what was done.")
@click.option("--reason", default="", help="With reopen: why.")
@data_option
def act(id: str, move: str, by: str, data: str, **given: str) -> None:
    """Make a MOVE: take, assign, call, note, start, resolve, reopen, give_up or close.

    What is not possible now is refused, and what is possible is named.
    """
    from generator.following import run_act

    run_act(data, id, move, {name: value for name, value in given.items() if value}, by, click.echo)


@follow_ups.command("open")
@click.argument("survey")
@click.option("--rule", required=True, help="The rule, by its id, as it is now.")
@click.option("--from", "first", metavar="DAY", help="First day, as 2026-05-17.")
@click.option("--to", "last", metavar="DAY", help="Last day.")
@data_option
def open_(survey: str, rule: str, first: str | None, last: str | None, data: str) -> None:
    """Open what a new or changed rule asks for over answers of the past, loaded ones too.

    A response and a rule have one follow-up, whenever it was opened. Clocks start now.
    """
    from generator.following import run_open

    run_open(data, survey, rule, first, last, click.echo)


COMMANDS: list[click.Command] = [follow_ups]
