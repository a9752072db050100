"""A stage on AWS made to be what a package says: shown first, then done, then told as it happens.

CloudFormation does the work (``change_sets``); what is here decides what it is asked. Nothing is
changed that was not shown, nothing that holds answers is ever replaced or removed, and what was cut
off is finished by repeating it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any

import msgspec
from msgspec import Struct

from generator import leaving, stacks
from generator.account import UNRESERVED, has_places, whose
from generator.change_sets import Agree, BadParameters, Means, carry_out, lacking, ready, settled
from generator.depot import Depot, Kept
from generator.stack_events import Pause, Say, a_while
from generator.template import Tree

WAF = "template-waf.json"
REQUIRED = {"aws": (), "aws-cn": ("Domain", "Certificate")}
"""Parameters that have no default: CloudFront in China serves no domain of its own."""


class Wanted(Struct, frozen=True):
    """What a stage is to be: a template, its key in the depot, and what it is told."""

    template: Tree
    key: str
    parameters: Mapping[str, str]


def possible(clients: Mapping[str, Any], stage: str, parameters: Mapping[str, str]) -> None:
    """What can be told before anything is packaged. Raises NoAccount, BadStage, BadParameters."""
    name, account = stacks.name(stage), whose(clients)
    lacks = [each for each in REQUIRED[account.partition] if each not in parameters]
    if lacks and stacks.found(clients["cloudformation"], name) is None:
        raise lacking(lacks)


def with_waf(
    clients: Mapping[str, Any],
    stage: str,
    built: Path,
    wanted: bool,
    say: Say,
    agree: Agree,
    *,
    pause: Pause = a_while,
) -> dict[str, str]:
    """The parameters by which a stage has a WAF, or has none. CloudFront's stands in us-east-1, in
    a stack of its own, which is made here."""
    if not wanted:
        return {"WebAcl": ""}
    if not (built / WAF).is_file() or clients["cloudformation"].meta.partition != "aws":
        raise BadParameters("no WAF can be had here: CloudFront's stands in us-east-1 alone")
    means = Means(clients["us-east-1"], say, agree, pause)
    name = waf(stage)
    stack = ready(means, name)
    template = _read(built / WAF)
    body = {"TemplateBody": msgspec.json.encode(template).decode()}
    outputs = stacks.told(carry_out(means, name, stack, body, settled(template, {}, stack)))
    return {"WebAcl": next(v for v in outputs.values() if v.startswith("arn:"))}


def waf(stage: str) -> str:
    """What the stack of a stage's WAF is called."""
    return f"{stacks.name(stage)}-waf"


def deploy(
    clients: Mapping[str, Any],
    stage: str,
    built: Path,
    parameters: Mapping[str, str],
    say: Say,
    agree: Agree,
    *,
    afresh: bool = False,
    keeps: Iterable[str] = (),
    pause: Pause = a_while,
) -> dict[str, str]:
    """Make the stage what the packages in ``built`` say; its outputs.

    ``parameters`` that are not given keep what they were. ``afresh``: what an earlier stage of this
    name left is not taken up. ``keeps``: what is not made anew where AWS cannot tell.

    Raises NoAccount, BadParameters, Busy, WouldLose, Refused, Failed.
    """
    means = Means(clients["cloudformation"], say, agree, pause, frozenset(keeps))
    depot = Depot(clients["s3"], whose(clients))
    template = _read(built / f"template-{depot.account.partition}.json")
    stack = stacks.found(means.aws, stacks.name(stage))
    settled(template, {**word(template, stack), **parameters}, stack)  # before anything is sent
    if depot.open():
        say(f"{depot.bucket} was made, for packages")
    placed = depot.bring(template, built, say)
    wanted = Wanted(placed, depot.keep(placed), parameters)
    return _deployed(means, depot, clients["lambda"], stage, wanted, afresh)


def again(
    clients: Mapping[str, Any],
    stage: str,
    say: Say,
    agree: Agree,
    *,
    keeps: Iterable[str] = (),
    pause: Pause = a_while,
) -> dict[str, str]:
    """Make the stage what it was before its last deployment. Parameters stay as they are now."""
    means = Means(clients["cloudformation"], say, agree, pause, frozenset(keeps))
    depot = Depot(clients["s3"], whose(clients))
    depot.open()
    before = depot.before(stage)
    if before is None:
        raise BadParameters(f"nothing else was deployed to {stage} before what is there now")
    say(f"what was deployed on {before.when}, by {before.by}")
    wanted = Wanted(depot.template(before.template), before.template, {})
    return _deployed(means, depot, clients["lambda"], stage, wanted)


def _deployed(
    means: Means,
    depot: Depot,
    functions: Any,
    stage: str,
    wanted: Wanted,
    afresh: bool = False,
) -> dict[str, str]:
    name = stacks.name(stage)
    means.say(f"{name} in account {depot.account.id}, {depot.account.region}")
    stack = ready(means, name)
    parameters = {
        **word(wanted.template, stack),
        **places(functions, wanted.template, wanted.parameters, stack, means.say),
        **wanted.parameters,
    }
    if afresh:
        depot.set_aside(stage)
    left = {} if stack else depot.left(stage)
    if left:
        if "DataKey" in left:
            parameters.setdefault("OwnKey", "yes")
        stack = _taken_up(means, name, wanted.template, parameters, depot, left)
    told = settled(wanted.template, parameters, stack)
    stack = carry_out(means, name, stack, {"TemplateURL": depot.url(wanted.key)}, told)
    means.aws.update_termination_protection(StackName=name, EnableTerminationProtection=True)
    depot.note(stage, wanted.key, wanted.template)
    if left:
        depot.taken(stage)
    return stacks.told(stack)


def _taken_up(
    means: Means,
    name: str,
    template: Tree,
    parameters: Mapping[str, str],
    depot: Depot,
    left: Mapping[str, Kept],
) -> dict[str, Any]:
    """A stack of what an earlier one of this name left."""
    means.say("an earlier stage of this name left, and it is taken up again:")
    for what, kept in sorted(left.items()):
        means.say(f"  = {what}  {kept.id}")
    part = leaving.skeleton(template, left)
    url = depot.url(depot.keep(part))
    body = {"TemplateURL": url, "ResourcesToImport": leaving.imported(left)}
    return carry_out(means, name, None, body, settled(part, parameters, None), "IMPORT")


def word(template: Tree, stack: dict[str, Any] | None) -> dict[str, str]:
    """The word by which the API knows CloudFront, made where the stack has none yet."""
    held = stacks.parameters(stack)
    wanted = "OriginSecret" in template["Parameters"] and "OriginSecret" not in held
    return {"OriginSecret": token_hex(32)} if wanted else {}


def places(
    functions: Any,
    template: Tree,
    given: Mapping[str, str],
    stack: dict[str, Any] | None,
    say: Say,
) -> dict[str, str]:
    """Whether functions may keep places for themselves: a new account has too few for that."""
    if "Reserve" not in template["Parameters"] or "Reserve" in given:
        return {}
    said = [
        each["Properties"].get("ReservedConcurrentExecutions")
        for each in template["Resources"].values()
        if each["Type"] == "AWS::Serverless::Function"
    ]
    wanted = sum(each["Fn::If"][1] for each in said if each)
    had = stacks.parameters(stack).get("Reserve") == "yes"
    if has_places(functions, wanted, wanted if had else 0):
        return {"Reserve": "yes"}
    say(
        f"The account may run too few functions at once to keep {wanted} places and leave"
        f" {UNRESERVED} to all, as AWS wants: none is kept. Answers are right without, for every"
        " write is conditional; under load merge may run twice and do some work in vain. Ask AWS"
        " for more, and deploy again:\n"
        "  aws service-quotas request-service-quota-increase --service-code lambda"
        " --quota-code L-B99A9384 --desired-value 1000"
    )
    return {"Reserve": "no"}


def _read(path: Path) -> Tree:
    found: Tree = msgspec.json.decode(path.read_bytes())
    return found
