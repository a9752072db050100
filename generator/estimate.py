"""What a deployment would make and cost, before anything is made."""

from __future__ import annotations

from collections.abc import Iterator

from generator import costing, template
from generator.places import INFRA
from generator.serving import load_app
from generator.terminal import wrapped


def shown(partition: str = "aws", waf: bool = False, own_key: bool = False) -> Iterator[str]:
    """Every resource and what it costs by being there, and what answers cost, as lines of text."""
    made = template.template(load_app().app, partition)
    prices = template.load(INFRA / "prices.yaml")
    if waf:  # a stack of its own, in us-east-1
        made["Resources"] |= template.load(INFRA / "waf.yaml")["Resources"]
    on = ["WithKey"] if own_key else []
    resting = costing.by_resource(made, prices, on)
    free = _by_kind(made, on, {share.name for share in resting})
    count = len(resting) + sum(map(len, free.values()))
    yield f"{count} resources in {partition}. USD a month where nobody answers, prices of"
    yield f"us-east-1, {prices['date']}:"
    yield from costing.shares(resting)
    yield ""
    yield "These cost nothing by being there:"
    for kind, names in sorted(free.items()):
        head = f"  {kind.removeprefix('AWS::'):33}  "
        yield from wrapped(head, ", ".join(sorted(names)))
    yield ""
    yield "The same USD a month by what is used:"
    yield from costing.table(costing.at_rest(made, prices, on))
    yield ""
    yield "USD for each survey in a month that brings them:"
    yield from costing.table(costing.by_survey(prices))
    for how in prices["answers"]:
        yield ""
        yield f"USD for a million answers, {how}:"
        yield from costing.table(costing.for_a_million(made, prices, how, waf))


def _by_kind(made: template.Tree, on: list[str], resting: set[str]) -> dict[str, list[str]]:
    """Names of all others, and what they wait for."""
    kinds: dict[str, list[str]] = {}
    for name, each in made["Resources"].items():
        condition = each.get("Condition")
        if name in resting:
            continue
        if condition in (None, *on):
            kinds.setdefault(each["Type"], []).append(name)
        elif condition == "Alerted":
            kinds.setdefault(each["Type"], []).append(f"{name} (with an address for alarms)")
    return kinds
