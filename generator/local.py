"""What the longer commands do on a laptop: compile, make live, serve, load."""

from __future__ import annotations

import shlex
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import click
from chalice.local import LocalDevServer
from rich.console import Console
from rich.progress import Progress

from chalicelib.jobs.landed import REASONS
from chalicelib.published import Definitions
from chalicelib.running import now, run_job
from chalicelib.standing import standing
from chalicelib.storage import Missing, Store
from chalicelib.survey import Contract, EchoformError
from generator import messaging
from generator.building import Gathered, Unbuildable, gather, lay_shells, site_of
from generator.data import open_data, publish_all, settings
from generator.definition import compile_file
from generator.headers import place
from generator.loading import load
from generator.mapping import read_mapping
from generator.previewing import Preview
from generator.serving import Page, Schedule, make_server, picture

Say: TypeAlias = Callable[[str], None]

PURGE_EVERY = 60 * 60


def run_server(
    paths: Sequence[Path], data: str, host: str, port: int, every: float, say: Say
) -> None:
    """Make the surveys live and serve them until interrupted."""
    gathered = gather(paths)
    for change in publish_all(open_data(data), gathered.contracts, now()):
        say(change)
    lay_shells(open_data(data), gathered.contracts, gathered.site)
    messaging.lay(open_data(data), gathered.site)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: jobs end with us
    server = make_server(settings(data), site_pages(gathered).get, host, port, sys.stderr)
    names = [
        *("merge", "follow_up", "escalate", "follow_up_tables"),
        *("tally", "invite", "crm"),
    ]
    often = Schedule(settings(data), names, every, lines=True)
    with often, Schedule(settings(data), ["purge"], PURGE_EVERY, lines=True):
        for url in urls(gathered.contracts, server):
            say(url)
        say(f"{address(server)}/staff/ is where your team calls back; this lets somebody in:")
        say(f"  {admission(address(server), data)}")
        say(f"answers: {data} (Ctrl-C stops)")
        serve(server)


def run_preview(paths: Sequence[Path], host: str, port: int, say: Say) -> None:
    """Show the surveys as they are written, until interrupted."""
    with tempfile.TemporaryDirectory(prefix="echoform-preview-") as folder:
        preview = Preview(paths, open_data(folder))
        server = make_server(settings(folder), preview.find_page, host, port)
        stop = threading.Event()
        threading.Thread(target=preview.follow, args=(stop,), daemon=True).start()
        say(f"{address(server)}/ shows every survey, and follows what you save (Ctrl-C stops)")
        try:
            serve(server)
        finally:
            stop.set()


def run_load(survey: str, file: Path, map_file: Path, data: str, say: Say) -> bool:
    """Load a table, merge it and tally; whether every row was good."""
    store = open_data(data)
    contract = live(store, survey)
    mapping = read_mapping(map_file, contract)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("rows", total=None)
        loaded = load(
            store,
            contract,
            file,
            mapping,
            lambda done: progress.update(task, completed=done),
            settings(data).key,
        )
    merged = run_job("merge", settings(data), store)
    run_job("tally", settings(data), store)
    for note in loaded.notes:
        say(f"{file}:{note.row}: {note.what}")
    for problem in loaded.problems:
        say(f"{file}:{problem.row}: {problem.what}")
    bad = len({problem.row for problem in loaded.problems})
    say(f"{loaded.accepted} added, {loaded.there} already there, {bad} rows with problems")
    lost = merged["rejected"] + merged["conflicts"]
    if lost:
        say(f"{lost} could not be merged: see rejected/, and `echoform status`")
    return not bad and not lost


def write_paper(
    survey: Path, language: str, size: str, font: Path | None, output: Path, say: Say
) -> None:
    """Write a survey's paper form, as what the file's name says."""
    from generator.paper import Form
    from generator.printing import pdf

    gathered = gather([survey])
    (contract,) = gathered.contracts
    language = language or contract.languages[0]
    if language not in contract.languages:
        raise EchoformError(f"{survey}: not in {language!r}; it is in {contract.languages}")
    form = Form(contract, gathered.site, language)
    kinds = {".pdf": lambda: pdf(form, size, font), ".html": lambda: form.html(size).encode()}
    if output.suffix not in kinds:
        raise EchoformError(f"{output}: call it .pdf or .html, so that we know which you want")
    output.write_bytes(kinds[output.suffix]())
    say(f"{output}: the QR code leads to {form.url}")


def site_pages(gathered: Gathered) -> dict[str, Page]:
    """What the local server serves, by path."""
    site = site_of(gathered.contracts, gathered.site)
    found = {place(path): Page(data, headers=headers) for path, (data, headers) in site.items()}
    return found | {"/" + path: picture(path, data) for path, data in gathered.pictures.items()}


def urls(contracts: Sequence[Contract], server: LocalDevServer) -> list[str]:
    """Where to open each survey in each language."""
    return [
        f"{address(server)}/{contract.id}/" + (f"{language}/" if number else "")
        for contract in contracts
        for number, language in enumerate(contract.languages)
    ]


def admission(site: str, data: str) -> str:
    """The command that prints a link to the staff pages, to be changed for whom it is."""
    where = "" if data == "data" else f" --data {shlex.quote(data)}"
    return f"echoform staff token --sub A07 --role agent --team T1 --site {site}{where}"


def address(server: LocalDevServer) -> str:
    host, port = server.server.server_address[:2]
    return f"http://{host!s}:{port}"


def serve(server: LocalDevServer) -> None:
    """Serve until interrupted."""
    try:
        server.server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server.server_close()


def live(store: Store, survey: str) -> Contract:
    """The contract of a survey file, made live, or of the survey of that id."""
    path = Path(survey)
    if path.is_file():
        compiled = compile_file(path)
        if compiled.contract is None:
            raise Unbuildable(compiled.findings)
        publish_all(store, [compiled.contract], now())
        return compiled.contract
    try:
        return Definitions(store).current(survey)
    except Missing:
        live = ", ".join(Definitions(store).surveys()) or "none yet"
        file = Path("surveys") / f"{survey}.yaml"
        named = f" ({file})" if file.is_file() else ""
        raise EchoformError(
            f"no survey {survey!r} is live in this data (live: {live}); "
            f"give its file{named} instead, and it is made live"
        ) from None


def show_status(data: str) -> None:
    """Print how each survey stands."""
    found = standing(open_data(data), now())
    rows = [
        [
            survey,
            str(each.waiting),
            f"{each.oldest_s:.0f} s" if each.waiting else "",
            str(each.conflicts),
            str(each.rejected),
        ]
        for survey, each in found.items()
    ]
    head = ["survey", "waiting", "oldest", "conflicts", "rejected"]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in [head, *rows]:
        click.echo("  ".join(map(str.ljust, row, widths)).rstrip())
    if not found:
        click.echo("nothing waits to be merged, and nothing was rejected")
    for survey, each in found.items():
        for reason, count in sorted(each.reasons.items()):
            click.echo(f"{survey}: {count} × {REASONS.get(reason, reason)}")
    if any(each.reasons for each in found.values()):
        click.echo(f"what could not be merged lies under {data}/rejected/, each with its reason")


def rejected(data: str) -> int:
    """How many landed objects could not be merged so far."""
    found = standing(open_data(data), now()).values()
    return sum(sum(each.reasons.values()) for each in found)
