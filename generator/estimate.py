"""What a deployment would make and cost, before anything is made."""

from __future__ import annotations

from collections.abc import Iterator

from generator import costing, template
from generator.places import INFRA
from generator.serving import load_app


def shown(partition: str = "aws", waf: bool = False, own_key: bool = False) -> Iterator[str]:
    """Every resource by its kind, and the costs, as lines of text."""
    made = template.template(load_app().app, partition)
    prices = template.load(INFRA / "prices.yaml")
    if waf:  # a stack of its own, in us-east-1
        made["Resources"] |= template.load(INFRA / "waf.yaml")["Resources"]
    on = ["WithKey"] if own_key else []
    kinds: dict[str, list[str]] = {}
    for name, each in made["Resources"].items():
        condition = each.get("Condition")
        if condition in (None, *on):
            kinds.setdefault(each["Type"], []).append(name)
        elif condition == "Alerted":
            kinds.setdefault(each["Type"], []).append(f"{name} (with an address for alarms)")
    count = sum(map(len, kinds.values()))
    yield f"{count} resources in {partition}:"
    for kind, names in sorted(kinds.items()):
        yield f"  {kind.removeprefix('AWS::'):32} {', '.join(sorted(names))}"
    yield ""
    yield f"USD a month where nobody answers (prices of {prices['date']}, us-east-1):"
    yield from costing.table(costing.at_rest(made, prices, on))
    for how in prices["answers"]:
        yield ""
        yield f"USD for a million answers, {how}:"
        yield from costing.table(costing.for_a_million(made, prices, how, waf))
