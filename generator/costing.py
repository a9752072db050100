"""What a template costs: at rest, by what is in it and how often it runs; and by a million answers.

Figures are data (``infra/prices.yaml``); here is only the multiplication, line by line, so that
whoever doubts a sum sees what it is made of.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from chalicelib.survey import EchoformError
from generator.template import Tree

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


def at_rest(template: Tree, prices: Tree, on: Iterable[str] = ()) -> list[Line]:
    """A month in which nobody answers. ``on``: conditions that hold. Raises Unpriced."""
    resources = [r for r in template["Resources"].values() if _there(r, on)]
    kinds = Counter(_MADE[r["Type"]] for r in resources if r["Type"] in _MADE)
    used: dict[str, float] = defaultdict(float, kinds)
    used["metric"] += len({_metric(r) for r in resources if _metric(r)})
    for name, each in template["Resources"].items():
        times = sum(map(_runs, each["Properties"].get("Events", {}).values()))
        if times:
            _add(used, times, _run(name, each, prices))
            used["logged"] += times * prices["line_kb"] / MILLION
    return lines(used, prices)


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
        charged = max(0.0, count - price.get("free", 0))
        if count:
            found.append(Line(price["what"], count, charged * price["usd"] / price["per"]))
    return sorted(found, key=lambda line: -line.usd)


def total(these: Iterable[Line]) -> float:
    return sum(line.usd for line in these)


def table(these: Iterable[Line]) -> Iterator[str]:
    """The lines as text, and their sum."""
    these = [*these]
    for line in these:
        yield f"  {line.usd:8.2f}  {line.count:>12,.{0 if line.count >= 100 else 1}f} {line.what}"
    yield f"  {total(these):8.2f}  together"


def _run(name: str, made: Tree, prices: Tree) -> dict[str, float]:
    function = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    if function not in prices["runs"]:
        raise Unpriced(f"infra/prices.yaml does not say under `runs` what {function} asks for")
    said = prices["runs"][function]
    memory = made["Properties"]["MemorySize"] / 1024
    asked = {k: v for k, v in said.items() if k != "seconds"}
    return {"invocation": 1, "gb_s": said["seconds"] * memory, **asked}


def _runs(event: Tree) -> float:
    """How often a month an event happens by itself."""
    rate = re.fullmatch(r"rate\((\d+) (\w+?)s?\)", str(event["Properties"].get("Schedule", "")))
    return MINUTES / (int(rate[1]) * _EVERY[rate[2]]) if rate else 0


def _add(used: dict[str, float], times: float, each: Mapping[str, float]) -> None:
    for name, count in each.items():
        used[name] += times * count


def _there(resource: Tree, on: Iterable[str]) -> bool:
    return resource.get("Condition") in (None, *on)


def _metric(resource: Tree) -> Any:
    """A metric of ours that an alarm looks at, by its name and dimensions."""
    said = resource["Properties"] if resource["Type"] == "AWS::CloudWatch::Alarm" else {}
    if str(said.get("Namespace", "")).startswith("AWS/"):
        return None
    return str((said.get("MetricName"), said.get("Dimensions"))) if said else None
