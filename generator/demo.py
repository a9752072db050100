"""The main job in front of one's eyes: surveys, answers, Parquet, scores, SQL, the closed loop.

Everything goes the way it goes in earnest: history through ``load``, today through HTTP (with
retries, as phones do), merges and tallies through the jobs. The demo checks its own promises: every
acknowledged answer is in the Parquet exactly once, and every unhappy one was followed up.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from chalice.local import LocalDevServer
from msgspec.structs import replace

from chalicelib import break_offs, links
from chalicelib.break_offs import BreakOff
from chalicelib.links import Link
from chalicelib.running import now, run_job
from chalicelib.storage import Store
from chalicelib.survey import Contract, EchoformError, ids
from generator import demo_loop, messaging
from generator.building import Gathered, gather, lay_shells
from generator.calling import call
from generator.data import open_data, publish_all, settings
from generator.loading import load
from generator.local import Say, address, serve, site_pages, urls
from generator.mapping import read_mapping
from generator.places import SURVEYS
from generator.query import ask, open_views
from generator.sample import draw
from generator.scoreboard import print_scores
from generator.scores import scores
from generator.serving import Schedule, make_server

SURVEY = "after-sales"
_WEEKS = 6
_PAST = 2400
_TODAY = 160
_LEAVE = 22
_AT_ONCE = 8
_AGENTS = {f"A{number:02d}": f"T{number % 3 + 1}" for number in range(1, 13)}
_STORES = ("S001", "S012", "S027", "S103")
_TIERS = ("standard", "standard", "standard", "VIP")
_SQL = """
select agent, count(*) as answers, round(avg(overall), 2) as overall,
       round(100.0 * count(*) filter (where solved = 'yes') / count(solved), 1) as solved_pct
from after_sales group by agent order by overall limit 5
"""


def run_demo(once: bool, data: str | None, port: int, say: Say) -> None:
    """Run the demo; with ``once`` it ends after its check, else it serves until interrupted."""
    folder = Path(data or tempfile.mkdtemp(prefix="echoform-demo-"))
    try:
        _run(once, folder, port, say)
    finally:
        if once and data is None:
            shutil.rmtree(folder)


def _run(once: bool, folder: Path, port: int, say: Say) -> None:
    random = Random(7)  # noqa: S311  made-up people, the same ones every time
    store = open_data(str(folder))
    gathered = gather([SURVEYS])
    contract = next(c for c in gathered.contracts if c.id == SURVEY)
    publish_all(store, gathered.contracts, now())
    lay_shells(store, gathered.contracts, gathered.site)
    names = ", ".join(each.id for each in gathered.contracts)
    yesterday = demo_loop.earlier(store, settings(str(folder)), contract, _AGENTS, random)
    say(f"1. {len(gathered.contracts)} surveys compiled: {names}")

    table, mapping = _write_history(contract, random, folder)
    loaded = load(store, contract, table, read_mapping(mapping, contract))
    if loaded.problems:
        raise EchoformError(f"the made-up history has problems: {loaded.problems[:3]}")
    say(f"2. {loaded.accepted} answers of the last {_WEEKS} weeks loaded from {table}")

    server = make_server(settings(str(folder)), site_pages(gathered).get, "127.0.0.1", port)
    messaging.lay(store, replace(gathered.site, url=address(server)))
    with _serving(server):
        codes = _make_links(store, random)
        acknowledged = _answer_over_http(server, contract, codes, random)
        say(f"3. {len(acknowledged)} answers of today accepted over HTTP, some of them sent twice;")
        say(f"   {_leave(store, contract, random)} began and left")
        merged = run_job("merge", settings(str(folder)), store)
        tallied = run_job("tally", settings(str(folder)), store)
        say(f"4. merged into Parquet: {_words(merged)}; tallied: {_words(tallied)}")
        _check(store, acknowledged, loaded.accepted, say)
        say(f"\n5. The scores (echoform scores {SURVEY} --data {folder}):\n")
        print_scores(scores(store, SURVEY), "en")
        say(f"\n6. One question in SQL (echoform query --data {folder} …):\n{_SQL}")
        with open_views(store) as views:
            say(ask(views, _SQL).as_table())
        say(f"Parquet: {folder / 'responses'}")
        say("\n7. The closed loop: who is unhappy is called back, and asked whether it helped\n")
        day = demo_loop.Day(server, store, settings(str(folder)), _AGENTS)
        day.run(contract, yesterday | acknowledged, say)
        say("\n   What the team page says of it:\n")
        day.figures(say)
        if not once:
            _invite(gathered, server, day, say)
            _stay(folder)


def _invite(gathered: Gathered, server: LocalDevServer, day: demo_loop.Day, say: Say) -> None:
    say("\nOpen the follow-ups as")
    for who, url in day.places().items():
        say(f"  {who}: {url}")
    say("Say whether it helped, as a customer who has not yet; then look at the follow-up again:")
    say(f"  {day.unanswered()}")
    say("Answer a survey; it counts, and is followed up, within seconds:")
    for url in urls(gathered.contracts, server):
        say(f"  {url}")
    say("Ctrl-C stops.")


@contextmanager
def _serving(server: LocalDevServer) -> Iterator[None]:
    thread = threading.Thread(target=serve, args=(server,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.server.shutdown()
        thread.join()


def _stay(folder: Path) -> None:
    with Schedule(settings(str(folder)), ["merge", "follow_up", "escalate", "tally"], 3.0):
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


def _person(contract: Contract, random: Random, agent: str, language: str) -> dict[str, Any]:
    """Some agents are better than others, and the last two need help."""
    skill = 0.86 - 0.035 * list(_AGENTS).index(agent)
    mood = min(1.0, max(0.0, random.gauss(skill, 0.18)))
    return draw(contract, random, mood, language)


def _write_history(contract: Contract, random: Random, folder: Path) -> tuple[Path, Path]:
    """A table as an older system would export it, and the mapping that loads it."""
    table, mapping = folder / "history.csv", folder / "history-map.yaml"
    questions = [field.id for field in contract.fields if field.kind not in ("", "value")]
    attributes = ["agent", "team", "store", "tier"]
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ticket", "answered", "channel", "language", *attributes, *questions])
        for number in range(_PAST):
            agent = random.choice(list(_AGENTS))
            language = random.choice(["zh-CN", "zh-CN", "zh-CN", "en"])
            answers = _person(contract, random, agent, language)
            days, hour = random.randint(2, _WEEKS * 7), random.choice((9, 10, 11, 14, 15, 16, 19))
            answered = today - timedelta(days=days, hours=-hour, minutes=-random.randint(0, 59))
            service = [agent, _AGENTS[agent], random.choice(_STORES), random.choice(_TIERS)]
            cells = [answers.get(name, "") for name in questions]
            row = [f"TK-{number:05d}", answered.isoformat(), random.choice(("phone", "paper"))]
            writer.writerow(
                [
                    *row,
                    language,
                    *service,
                    *(";".join(c) if isinstance(c, list) else c for c in cells),
                ]
            )
    several = {field.id for field in contract.fields if field.kind in ("codes", "order")}
    lines = ["source_id: ticket", "time: answered", "channel: {column: channel}"]
    lines += ["language: {column: language}", "attributes:"]
    lines += [f"  {name}: {name}" for name in attributes]
    lines += ["answers:"]
    lines += [
        f"  {name}: {{column: {name}, split: ';'}}" if name in several else f"  {name}: {name}"
        for name in questions
    ]
    mapping.write_text("\n".join(lines) + "\n", "utf-8")
    return table, mapping


def _make_links(store: Store, random: Random) -> list[tuple[str, str]]:
    """A code and its agent for each of today's customers.

    Half have an open link, as a poster carries it, one for every agent at every store. The others
    have a personal one, as an invitation carries it.
    """
    posters = {
        f"{agent}{shop}": Link(
            SURVEY,
            attributes={
                "agent": agent,
                "team": team,
                "store": shop,
                "tier": random.choice(_TIERS),
            },
        )
        for agent, team in _AGENTS.items()
        for shop in _STORES
    }
    invited = {
        links.mint(links.PERSONAL): Link(
            SURVEY,
            personal=True,
            attributes={**poster.attributes, "customer": demo_loop.customer(random)},
        )
        for poster in random.choices([*posters.values()], k=_TODAY // 2)
    }
    links.add(store, posters | invited)
    codes = [*invited, *random.choices([*posters], k=_TODAY - len(invited))]
    return [(code, (posters | invited)[code].attributes["agent"]) for code in codes]


def _answer_over_http(
    server: LocalDevServer, contract: Contract, codes: Sequence[tuple[str, str]], random: Random
) -> dict[str, dict[str, Any]]:
    """Today's customers, several at once; every eighth phone sends twice. What was acknowledged."""
    started = now()
    bodies: list[dict[str, Any]] = []
    for number, (code, agent) in enumerate(codes):
        language = random.choice(["zh-CN", "zh-CN", "en"])
        bodies.append(
            {
                "id": ids.make(started - random.randrange(600_000), random.getrandbits(80)),
                "version": contract.version,
                "language": language,
                "duration": random.randint(25, 140),
                "link": code,
                "answers": _person(contract, random, agent, language),
            }
        )
        if number % 8 == 0:
            bodies.append(bodies[-1])
    path = f"/responses/{contract.id}"
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        receipts = list(pool.map(lambda body: call(server, path, body)["receipt"], bodies))
    said = {body["id"]: body["answers"] for body in bodies}
    return {receipt: said[receipt] for receipt in receipts}


def _leave(store: Store, contract: Contract, random: Random) -> int:
    """Some of today's customers leave before sending, most of them early; how many. Their pages
    would have them marked so."""
    asked = [question.id for question in contract.questions if question.fields()[0].rule]
    for number in range(_LEAVE):
        question = asked[min(int(random.expovariate(0.4)), len(asked) - 1)]
        language = random.choice(["zh-CN", "zh-CN", "en"])
        mark = BreakOff(ids.make(now(), number), contract.version, language, question)
        store.create(break_offs.key(contract.id, contract.timezone, mark), b"")
    return _LEAVE


def _check(store: Store, acknowledged: dict[str, dict[str, Any]], loaded: int, say: Say) -> None:
    """Every acknowledged answer is in the Parquet exactly once, with what was said.

    Raises EchoformError where it is not: that would be a defect.
    """
    with open_views(store) as views:
        rows = ask(views, "select response, overall from after_sales").rows
    found: dict[str, list[Any]] = {}
    for response, overall in rows:
        found.setdefault(response, []).append(overall)
    wrong = [r for r, said in acknowledged.items() if found.get(r) != [said["overall"]]]
    if wrong or len(rows) != len(found) or len(rows) < loaded + len(acknowledged):
        raise EchoformError(
            f"the promise is broken for {len(wrong)} of {len(acknowledged)} answers"
        )
    say(
        f"   checked: each of {len(acknowledged)} acknowledged answers is there exactly once, "
        f"{len(rows)} rows in all"
    )


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items() if count)
