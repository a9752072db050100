"""What a template costs: at rest, by what is in it and how often it runs; and by a million answers.

Figures are data (``infra/prices.yaml``); here is only the multiplication, line by line, so that
whoever doubts a sum sees what it is made of. A month at rest is told twice, by what is used and by
which resource uses it: both are sums of the same numbers.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from math import floor, log10
from typing import Any

from msgspec import Struct

from chalicelib.survey import EchoformError
from generator.template import Tree
from generator.terminal import wrapped

MINUTES = 43_800
"""Of a month."""
MILLION = 1_000_000
_EVERY = {"minute": 1, "hour": 60, "day": 1440}
_MADE = {
    "AWS::SecretsManager::Secret": "secret",
    "AWS::CloudWatch::Alarm": "alarm",
    "AWS::KMS::Key": "key",
    "AWS::WAFv2::WebACL": "waf",
}
"""Kinds of resources that cost something by being there."""


class Unpriced(EchoformError):
    """A function runs by itself, and prices.yaml does not say how much it asks for."""


class Line(Struct, frozen=True):
    """So many of what costs something."""

    what: str
    count: float
    usd: float


class Share(Struct, frozen=True):
    """What a resource costs at rest, and of what."""

    name: str
    kind: str
    usd: float
    of: list[Line]


def at_rest(template: Tree, prices: Tree, on: Iterable[str] = ()) -> list[Line]:
    """A month in which nobody answers. ``on``: conditions that hold. Raises Unpriced."""
    return lines(_together(_resting(template, prices, on)), prices)


def by_resource(template: Tree, prices: Tree, on: Iterable[str] = ()) -> list[Share]:
    """The same month by the resources that cost something by being there, dearest first.

    What a price leaves free is shared by what each uses. Raises Unpriced.
    """
    known, resting = prices["prices"], _resting(template, prices, on)
    whole = _together(resting)
    found = []
    for name, used in resting.items():
        of = [
            Line(
                known[each].get("short", known[each]["what"]),
                count,
                _charged(whole[each], known[each]) * count / whole[each],
            )
            for each, count in used.items()
        ]
        found.append(Share(name, template["Resources"][name]["Type"], total(of), of))
    return sorted(found, key=lambda share: (-share.usd, share.name))


def for_a_million(template: Tree, prices: Tree, how: str, waf: bool = False) -> list[Line]:
    """A million answers that came so."""
    asked = prices["answers"][how]
    memory = template["Resources"]["APIHandler"]["Properties"]["MemorySize"] / 1024
    each = {
        "http": asked["requests"],
        "invocation": asked["requests"],
        "gb_s": asked["seconds"] * memory,
        "put": asked["put"],
        "get": asked["get"],
        "viewed": asked["viewed"],
        "sent": asked["page_kb"] / MILLION,
        "logged": asked["requests"] * prices["line_kb"] / MILLION,
        "stored": prices["stored_kb"] / MILLION,
        "checked": asked["viewed"] if waf else 0,
    }
    used: dict[str, float] = defaultdict(float)
    _add(used, MILLION, each)
    return lines(used, prices)


def lines(used: Mapping[str, float], prices: Tree) -> list[Line]:
    """Most expensive first."""
    found = []
    for name, count in used.items():
        price = prices["prices"][name]
        if count:
            found.append(Line(price["what"], count, _charged(count, price)))
    return sorted(found, key=lambda line: -line.usd)


def total(these: Iterable[Line]) -> float:
    return sum(line.usd for line in these)


def by_survey(prices: Tree) -> list[Line]:
    """Metrics of one survey in a month that brings them all, and one error."""
    return [
        Line(f"metric {name}" + (", once for each error" if "error" in by else ""), 1, usd)
        for name, by in prices["metrics"].items()
        for usd in [_charged(1, prices["prices"]["metric"])]
    ]


def table(these: Iterable[Line]) -> Iterator[str]:
    """The lines as text, and their sum."""
    these = [*these]
    for line in these:
        yield f"  {line.usd:8.2f}  {line.count:>12,.{0 if line.count >= 100 else 1}f} {line.what}"
    yield f"  {total(these):8.2f}  together"


def shares(these: Iterable[Share]) -> Iterator[str]:
    """Resources as text, each with its arithmetic, and their sum."""
    these = [*these]
    for share in these:
        kind = share.kind.removeprefix("AWS::")
        of = ", ".join(f"{_number(line.count)} {line.what}" for line in share.of)
        yield from wrapped(f"  {share.usd:8.2f}  {share.name:14}  {kind:22}  ", of)
    yield f"  {sum(share.usd for share in these):8.2f}  together"


def _number(count: float) -> str:
    """As many digits as say something."""
    digits = 0 if count >= 100 or count == int(count) else 1 - floor(log10(count))
    return f"{count:,.{digits}f}"


def _charged(count: float, price: Tree) -> float:
    usd: float = max(0.0, count - price.get("free", 0)) * price["usd"] / price["per"]
    return usd


def _together(resting: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    used: dict[str, float] = defaultdict(float)
    for each in resting.values():
        _add(used, 1, each)
    return used


def _resting(template: Tree, prices: Tree, on: Iterable[str]) -> dict[str, dict[str, float]]:
    """What each resource uses in a month by being there; those alone that use something."""
    found: dict[str, dict[str, float]] = {}
    metrics = set()
    for name, each in template["Resources"].items():
        if each.get("Condition") not in (None, *on):
            continue
        used = found.setdefault(name, defaultdict(float))
        if each["Type"] in _MADE:
            used[_MADE[each["Type"]]] += 1
        if (metric := _metric(each)) and metric not in metrics:  # the first that looks at it
            metrics.add(metric)
            used["metric"] += 1
        if times := _times(each):
            _add(used, times, _run(name, each, prices))
            used["logged"] += times * prices["line_kb"] / MILLION
        for queue in _listened(each):
            found.setdefault(queue, defaultdict(float))["polled"] += prices["polls"]
    return {name: used for name, used in found.items() if used}


def _run(name: str, made: Tree, prices: Tree) -> dict[str, float]:
    function = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    if function not in prices["runs"]:
        raise Unpriced(f"infra/prices.yaml does not say under `runs` what {function} asks for")
    said = prices["runs"][function]
    memory = made["Properties"]["MemorySize"] / 1024
    asked = {k: v for k, v in said.items() if k != "seconds"}
    return {"invocation": 1, "gb_s": said["seconds"] * memory, **asked}


def _times(made: Tree) -> float:
    """How often a month a resource starts by itself."""
    return sum(map(_runs, made["Properties"].get("Events", {}).values()))


def _listened(made: Tree) -> list[str]:
    """Queues that Lambda asks for a function."""
    events = made["Properties"].get("Events", {}).values()
    queues = (each["Properties"]["Queue"] for each in events if each["Type"] == "SQS")
    return [queue["Fn::GetAtt"][0] for queue in queues]


def _runs(event: Tree) -> float:
    """How often a month an event happens by itself."""
    rate = re.fullmatch(r"rate\((\d+) (\w+?)s?\)", str(event["Properties"].get("Schedule", "")))
    return MINUTES / (int(rate[1]) * _EVERY[rate[2]]) if rate else 0


def _add(used: dict[str, float], times: float, each: Mapping[str, float]) -> None:
    for name, count in each.items():
        used[name] += times * count


def _metric(resource: Tree) -> Any:
    """A metric of ours that an alarm looks at, by its name and dimensions."""
    said = resource["Properties"] if resource["Type"] == "AWS::CloudWatch::Alarm" else {}
    if str(said.get("Namespace", "")).startswith("AWS/"):
        return None
    return str((said.get("MetricName"), said.get("Dimensions"))) if said else None
