"""A stack made or changed by a change set: worked out by AWS, shown, agreed to, and only then done.

``changes`` says what of it is shown and what may never be done; ``deploying`` says what is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Any

import msgspec
from msgspec import Struct

from chalicelib.survey import EchoformError
from generator import changes, stacks
from generator.stack_events import Failed, Pause, Say, Watched, advice, remove
from generator.template import Tree

Agree = Callable[[str], bool]

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
"""Roles are made, and Amazon's transform for serverless functions is used."""
_NEVER_MADE = (
    *("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "REVIEW_IN_PROGRESS"),
    *("IMPORT_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_FAILED"),  # else all would be made beside it
)
_NOTHING = ("didn't contain changes", "No updates are to be performed")


class BadParameters(EchoformError):
    """The template takes no such parameter, or lacks one."""


class Busy(EchoformError):
    """The stack is in a state in which nothing can be done."""


class Refused(EchoformError):
    """Whoever was asked said no."""


class Means(Struct, frozen=True):
    """What stacks are changed with."""

    aws: Any
    """CloudFormation."""
    say: Say
    agree: Agree
    pause: Pause
    keeps: frozenset[str] = frozenset()
    """What is said not to be made anew where AWS cannot tell."""


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
    held = stacks.parameters(stack)
    if lacks := [n for n in known if n not in {*given, *held} and "Default" not in known[n]]:
        raise lacking(lacks)
    domain = given.get("Domain", held.get("Domain"))
    if domain and not given.get("Certificate", held.get("Certificate")):
        raise BadParameters("a domain needs its certificate: --certificate ARN")
    if held.get("OwnKey") == "yes" and given.get("OwnKey") == "no":
        raise BadParameters("OwnKey stays: without that key the answers there cannot be read")
    return [
        {"ParameterKey": name, "ParameterValue": given[name]}
        if name in given
        else {"ParameterKey": name, "UsePreviousValue": True}
        for name in known
        if name in {*given, *held}
    ]


def lacking(names: list[str]) -> BadParameters:
    given = " ".join(f"--{name.lower()} …" for name in names)
    return BadParameters(f"{' and '.join(names)} must be given in this region: {given}")


def ready(means: Means, name: str) -> dict[str, Any] | None:
    """The stack, if there is one that can be changed; what a first attempt left is removed.

    Raises Busy, Failed.
    """
    stack = stacks.found(means.aws, name)
    if stack is None:
        return None
    status = stack["StackStatus"]
    if status in _NEVER_MADE:
        # It holds nothing (what was to be taken up is retained), and can only be removed.
        remove(means.aws, stack["StackId"], means.say, means.pause)
        means.say(f"what a failed attempt left of {name} was removed")
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


def carry_out(
    means: Means,
    name: str,
    stack: dict[str, Any] | None,
    body: Mapping[str, Any],
    parameters: list[dict[str, Any]],
    kind: str | None = None,
) -> dict[str, Any]:
    """Show what would change, ask, do it, tell it; the stack as it is then.

    ``stack``: as it is now. Raises WouldLose, Refused, Failed.
    """
    aws = means.aws
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
    said = _worked_out(means, at)
    if said["Status"] == "FAILED" or said.get("ExecutionStatus") == "UNAVAILABLE":
        reason = said.get("StatusReason", "")
        if stack and any(words in reason for words in _NOTHING):
            aws.delete_change_set(**at)
            means.say(f"{name} is that already: nothing to change")
            return stack
        _forget(means, at, stack)
        raise _refused(name, reason)
    found = changes.read(said["Changes"])
    for line in changes.lines(found):
        means.say(line)
    try:
        kept = changes.guard(found, means.keeps)
        if not means.agree(f"Make {name} so?"):
            raise Refused("nothing was changed")
    except EchoformError:
        _forget(means, at, stack)
        raise
    if kept:
        policy = msgspec.json.encode(changes.keeping(kept)).decode()
        aws.set_stack_policy(StackName=name, StackPolicyBody=policy)
    kinds = [change.kind for change in found]
    watched = Watched(aws, said["StackId"], means.say, means.pause, kinds)
    # What a failed attempt made is empty, and nobody's: it need not stay. What is taken up must.
    aws.execute_change_set(**at, **({} if kind == "IMPORT" else {"RetainExceptOnCreate": True}))
    ended = watched.until_still()
    if "ROLLBACK" in ended or not ended.endswith("_COMPLETE"):
        raise watched.failure(ended)
    made = stacks.found(aws, name)
    if made is None:
        raise Failed(f"{name} is gone: somebody removed it meanwhile")
    return made


def _worked_out(means: Means, at: Mapping[str, str]) -> dict[str, Any]:
    """The change set with all its changes, once AWS has worked them out."""
    while True:
        said: dict[str, Any] = means.aws.describe_change_set(**at)
        if not said["Status"].endswith(("_PENDING", "_IN_PROGRESS")):
            break
        means.pause()
    found, more = [*said.get("Changes", [])], said.get("NextToken")
    while more:
        page = means.aws.describe_change_set(**at, NextToken=more)
        found, more = [*found, *page["Changes"]], page.get("NextToken")
    return {**said, "Changes": found}


def _forget(means: Means, at: Mapping[str, str], stack: dict[str, Any] | None) -> None:
    """The change set, and the empty stack that one for a new stack makes."""
    means.aws.delete_change_set(**at)
    if stack is None:
        means.aws.delete_stack(StackName=at["StackName"])


def _refused(name: str, reason: str) -> Failed:
    return Failed("\n".join([f"AWS refuses this for {name}: {reason}", *advice(reason)]))
