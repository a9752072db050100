"""A stage on AWS made to be what a package says: shown first, then done, then told as it happens.

CloudFormation does the work; what is here decides what it is asked. Nothing is changed that was not
shown, nothing that holds answers is ever replaced or removed, and what was cut off is finished by
repeating it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any

import msgspec
from msgspec import Struct

from chalicelib.survey import EchoformError
from generator import changes, leaving, stacks
from generator.account import UNRESERVED, Account, has_places, whose
from generator.depot import Depot
from generator.stack_events import Failed, Pause, Say, Watched, a_while, advice
from generator.template import Tree

Agree = Callable[[str], bool]

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
"""Roles are made, and Amazon's transform for serverless functions is used."""
WAF = "template-waf.json"
REQUIRED = {"aws": (), "aws-cn": ("Domain", "Certificate")}
"""Parameters that have no default: CloudFront in China serves no domain of its own."""


class BadParameters(EchoformError):
    """The template takes no such parameter, or lacks one."""


class Busy(EchoformError):
    """The stack is in a state in which nothing can be done."""


class Refused(EchoformError):
    """Whoever was asked said no."""


class Wanted(Struct, frozen=True):
    """A template, where it lies, and what it is told."""

    template: Tree
    key: str
    parameters: Mapping[str, str]


class _Shop(Struct, frozen=True):
    """What a deployment works with."""

    aws: Any
    """CloudFormation."""
    say: Say
    agree: Agree
    pause: Pause


def deploy(
    clients: Mapping[str, Any],
    stage: str,
    built: Path,
    parameters: Mapping[str, str],
    say: Say,
    agree: Agree,
    *,
    afresh: bool = False,
    pause: Pause = a_while,
) -> dict[str, str]:
    """Make the stage what the packages in ``built`` say; its outputs.

    ``parameters`` that are not given keep what they were. ``afresh``: what an earlier stage of this
    name left is not taken up. Raises NoAccount, BadParameters, Busy, WouldLose, Refused, Failed.
    """
    account = whose(clients)
    depot = Depot(clients["s3"], account)
    template = _read(built / f"template-{account.partition}.json")
    stack = stacks.found(clients["cloudformation"], stacks.name(stage))
    parameters = {**word(template, stack), **parameters}
    settled(template, parameters, stack)
    if depot.open():
        say(f"{depot.bucket} was made, for packages")
    placed = depot.bring(template, built, say)
    key, _ = depot.address(placed)
    wanted = Wanted(placed, key, parameters)
    return _deploy(clients, account, stage, wanted, say, agree, afresh, pause)


def possible(clients: Mapping[str, Any], stage: str, parameters: Mapping[str, str]) -> None:
    """What can be told before anything is packaged. Raises NoAccount, BadStage, BadParameters."""
    name, account = stacks.name(stage), whose(clients)
    lacking = [each for each in REQUIRED[account.partition] if each not in parameters]
    if lacking and stacks.found(clients["cloudformation"], name) is None:
        raise _lack(lacking)


def again(
    clients: Mapping[str, Any],
    stage: str,
    say: Say,
    agree: Agree,
    *,
    pause: Pause = a_while,
) -> dict[str, str]:
    """Make the stage what it was before its last deployment. Parameters stay as they are now."""
    account = whose(clients)
    depot = Depot(clients["s3"], account)
    depot.open()
    before = depot.before(stage)
    if before is None:
        raise BadParameters(f"nothing else was deployed to {stage} before what is there now")
    say(f"what was deployed on {before.when}, by {before.by}")
    wanted = Wanted(depot.template(before.template), before.template, {})
    return _deploy(clients, account, stage, wanted, say, agree, False, pause)


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
    shop = _Shop(clients["us-east-1"], say, agree, pause)
    name = waf(stage)
    stack = ready(shop, name)
    template = _read(built / WAF)
    body = {"TemplateBody": msgspec.json.encode(template).decode()}
    outputs = stacks.told(_carried_out(shop, name, stack, body, settled(template, {}, stack)))
    return {"WebAcl": next(v for v in outputs.values() if v.startswith("arn:"))}


def waf(stage: str) -> str:
    """What the stack of a stage's WAF is called."""
    return f"{stacks.name(stage)}-waf"


def settled(
    template: Tree, given: Mapping[str, str], stack: dict[str, Any] | None
) -> list[dict[str, Any]]:
    """Parameters as CloudFormation is told them: given, else as they were, else the template's.

    Raises BadParameters.
    """
    known = template.get("Parameters", {})
    if strange := sorted({*given} - {*known}):
        raise BadParameters(
            f"no such parameter: {', '.join(strange)}; there are {', '.join(sorted(known))}"
        )
    held = {each["ParameterKey"]: each.get("ParameterValue") for each in _told(stack)}
    lacking = [n for n in known if n not in {*given, *held} and "Default" not in known[n]]
    if lacking:
        raise _lack(lacking)
    domain = given.get("Domain", held.get("Domain"))
    if domain and not given.get("Certificate", held.get("Certificate")):
        raise BadParameters("a domain needs its certificate: --certificate ARN")
    if held.get("OwnKey") == "yes" and given.get("OwnKey") == "no":
        raise BadParameters("OwnKey stays: without that key the answers there are cannot be read")
    return [
        {"ParameterKey": name, "ParameterValue": given[name]}
        if name in given
        else {"ParameterKey": name, "UsePreviousValue": True}
        for name in known
        if name in {*given, *held}
    ]


def ready(shop: _Shop, name: str) -> dict[str, Any] | None:
    """The stack, if there is one that can be changed; what a first attempt left is removed.

    Raises Busy.
    """
    stack = stacks.found(shop.aws, name)
    if stack is None:
        return None
    status = stack["StackStatus"]
    if status in _NEVER_MADE:
        # It holds nothing (what was to be taken up is retained), and can only be removed.
        watched = Watched(shop.aws, stack["StackId"], shop.say, shop.pause)
        shop.aws.delete_stack(StackName=name)
        ended = watched.until_still()
        if ended != "DELETE_COMPLETE":
            raise watched.failure(ended)
        shop.say(f"what a failed attempt left of {name} was removed")
        return None
    if status.endswith("_IN_PROGRESS"):
        raise Busy(f"{name} is being changed ({status}): wait until that is over, and repeat")
    if status in ("UPDATE_ROLLBACK_FAILED", "DELETE_FAILED"):
        todo = {
            "DELETE_FAILED": "repeat `echoform destroy`",
            "UPDATE_ROLLBACK_FAILED": "run `aws cloudformation continue-update-rollback`",
        }
        raise Busy(f"{name} is {status}: {todo[status]}, then deploy")
    return stack


def _deploy(
    clients: Mapping[str, Any],
    account: Account,
    stage: str,
    wanted: Wanted,
    say: Say,
    agree: Agree,
    afresh: bool,
    pause: Pause,
) -> dict[str, str]:
    shop = _Shop(clients["cloudformation"], say, agree, pause)
    depot = Depot(clients["s3"], account)
    name = stacks.name(stage)
    say(f"{name} in account {account.id}, {account.region}")
    stack = ready(shop, name)
    parameters = {
        **word(wanted.template, stack),
        **places(clients["lambda"], wanted.template, wanted.parameters, stack, say),
        **wanted.parameters,
    }
    if afresh:
        depot.set_aside(stage)
    left = {} if stack else depot.left(stage)
    if left:
        if "DataKey" in left:
            parameters.setdefault("OwnKey", "yes")
        stack = _take_up(shop, name, wanted.template, parameters, depot, left)
    told = settled(wanted.template, parameters, stack)
    body = {"TemplateURL": depot.url(wanted.key)}
    stack = _carried_out(shop, name, stack, body, told)
    shop.aws.update_termination_protection(StackName=name, EnableTerminationProtection=True)
    depot.note(stage, wanted.key, wanted.template)
    if left:
        depot.taken(stage)
    return stacks.told(stack)


def _take_up(
    shop: _Shop,
    name: str,
    template: Tree,
    parameters: Mapping[str, str],
    depot: Depot,
    left: Mapping[str, Any],
) -> dict[str, Any]:
    """A stack of what an earlier one of this name left."""
    shop.say("an earlier stage of this name left, and it is taken up again:")
    for what, kept in sorted(left.items()):
        shop.say(f"  = {what}  {kept.id}")
    part = leaving.skeleton(template, left)
    _, url = depot.address(part)
    body = {"TemplateURL": url, "ResourcesToImport": leaving.imported(left)}
    return _carried_out(shop, name, None, body, settled(part, parameters, None), "IMPORT")


def word(template: Tree, stack: dict[str, Any] | None) -> dict[str, str]:
    """The word by which the API knows CloudFront, made where the stack has none yet."""
    held = {each["ParameterKey"] for each in _told(stack)}
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
    had = {each["ParameterKey"]: each.get("ParameterValue") for each in _told(stack)}
    if has_places(functions, wanted, wanted if had.get("Reserve") == "yes" else 0):
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


def _carried_out(
    shop: _Shop,
    name: str,
    stack: dict[str, Any] | None,
    body: Mapping[str, Any],
    parameters: list[dict[str, Any]],
    kind: str | None = None,
) -> dict[str, Any]:
    """Show what would change, ask, do it, tell it; the stack as it is then."""
    aws = shop.aws
    called = f"echoform-{int(time.time())}-{token_hex(3)}"
    at = {"StackName": name, "ChangeSetName": called}
    try:
        aws.create_change_set(
            **at,
            **body,
            Parameters=parameters,
            ChangeSetType=kind or ("UPDATE" if stack else "CREATE"),
            Capabilities=CAPABILITIES,
        )
    except aws.exceptions.ClientError as error:
        raise _refused(name, error.response["Error"]["Message"]) from None
    said = _change_set(shop, at)
    if said["Status"] == "FAILED" or said.get("ExecutionStatus") == "UNAVAILABLE":
        reason = said.get("StatusReason", "")
        if stack and any(words in reason for words in _NOTHING):
            aws.delete_change_set(**at)
            shop.say(f"{name} is that already: nothing to change")
            return stack
        _forget(shop, at, stack)
        raise _refused(name, reason)
    found = changes.read(said["Changes"])
    for line in changes.lines(found):
        shop.say(line)
    try:
        changes.guard(found)
        if not shop.agree(f"Make {name} so?"):
            raise Refused("nothing was changed")
    except EchoformError:
        _forget(shop, at, stack)
        raise
    watched = Watched(aws, said["StackId"], shop.say, shop.pause)
    # What a failed attempt made is empty, and nobody's: it need not stay. What is taken up must.
    aws.execute_change_set(**at, **({} if kind == "IMPORT" else {"RetainExceptOnCreate": True}))
    ended = watched.until_still()
    if "ROLLBACK" in ended or not ended.endswith("_COMPLETE"):
        raise watched.failure(ended)
    made = stacks.found(aws, name)
    if made is None:
        raise Failed(f"{name} is gone: somebody removed it meanwhile")
    return made


_NEVER_MADE = (
    *("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "REVIEW_IN_PROGRESS"),
    *("IMPORT_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_FAILED"),  # else all would be made beside it
)
_NOTHING = ("didn't contain changes", "No updates are to be performed")


def _change_set(shop: _Shop, at: Mapping[str, str]) -> dict[str, Any]:
    """The change set with all its changes, once AWS has worked them out."""
    while True:
        said: dict[str, Any] = shop.aws.describe_change_set(**at)
        if not said["Status"].endswith(("_PENDING", "_IN_PROGRESS")):
            break
        shop.pause()
    found, more = [*said.get("Changes", [])], said.get("NextToken")
    while more:
        page = shop.aws.describe_change_set(**at, NextToken=more)
        found, more = [*found, *page["Changes"]], page.get("NextToken")
    return {**said, "Changes": found}


def _forget(shop: _Shop, at: Mapping[str, str], stack: dict[str, Any] | None) -> None:
    """The change set, and the empty stack that one for a new stack makes."""
    shop.aws.delete_change_set(**at)
    if stack is None:
        shop.aws.delete_stack(StackName=at["StackName"])


def _refused(name: str, reason: str) -> Failed:
    return Failed("\n".join([f"AWS refuses this for {name}: {reason}", *advice(reason)]))


def _lack(names: list[str]) -> BadParameters:
    given = " ".join(f"--{name.lower()} …" for name in names)
    return BadParameters(f"{' and '.join(names)} must be given in this region: {given}")


def _told(stack: dict[str, Any] | None) -> list[dict[str, Any]]:
    return stack.get("Parameters", []) if stack else []


def _read(path: Path) -> Tree:
    found: Tree = msgspec.json.decode(path.read_bytes())
    return found
