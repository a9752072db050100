"""A stage taken away from AWS: all that can be made again, and nothing of what customers said.

What stays is read from the template the stack was made of, never from ours: a stack that would take
its answers along is not touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from chalicelib.survey import EchoformError
from generator import leaving, stacks
from generator.account import whose
from generator.change_sets import Agree, Refused
from generator.changes import EMPTIED, HOLD
from generator.deploying import waf
from generator.depot import Depot, Kept
from generator.stack_events import Pause, Say, a_while, remove

HELD = {
    "Data": "every answer",
    "FollowUps": "call-backs",
    "PseudonymKey": "the secret of pseudonyms",
    "AccessLogs": "who read the answers",
    "DataKey": "the key of the answers",
}
"""What is in it, of what stays."""


class WouldDelete(EchoformError):
    """The stack would take along what nobody can make again."""


def destroy(
    clients: Mapping[str, Any], stage: str, say: Say, agree: Agree, *, pause: Pause = a_while
) -> dict[str, str]:
    """Remove the stage's stack; what stays, by its name in the template.

    Raises NoAccount, NoStack, WouldDelete, Refused, Failed.
    """
    account = whose(clients)
    aws, s3 = clients["cloudformation"], clients["s3"]
    name = stacks.name(stage)
    stack = stacks.found(aws, name)
    if stack is None:
        raise stacks.NoStack(
            f"no stack {name} in {account.region}: there is nothing to remove, or it is in another"
            " region (--region)"
        )
    there = {each: Kept(*told) for each, told in stacks.resources(aws, name).items()}
    left = kept(_template(aws, name), there)
    emptied = [there[each].id for each in EMPTIED if each in there]
    say(f"{name} in account {account.id}, {account.region}")
    for kind, count in sorted(Counter(e.kind for n, e in there.items() if n not in left).items()):
        say(f"  - {count:3} {kind.removeprefix('AWS::')}")
    for bucket in emptied:
        say(f"  - everything in {bucket}")
    say("What stays:")
    for what, each in sorted(left.items()):
        say(f"  = {HELD.get(what, what)}: {each.id}")
    if address := stacks.told(stack).get("Address"):
        say(f"{address} goes: links, invitations and posters that lead there lead nowhere then.")
        say("Only a domain of your own (--domain) would be the same again.")
    if not agree(stage):
        raise Refused("that is not its name: nothing was removed")
    depot = Depot(s3, account)
    depot.open()
    depot.leave(stage, left)
    aws.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    for bucket in emptied:
        _empty(s3, bucket)
    remove(aws, stack["StackId"], say, pause)
    if account.partition == "aws":
        remove_waf(clients, stage, say, pause=pause)
    return {what: each.id for what, each in left.items()}


def remove_waf(clients: Mapping[str, Any], stage: str, say: Say, *, pause: Pause = a_while) -> None:
    """The stage's WAF, if it has one. Nothing may use it any more."""
    if gate := stacks.found(clients["us-east-1"], waf(stage)):
        remove(clients["us-east-1"], gate["StackId"], say, pause)


def kept(template: Mapping[str, Any], there: Mapping[str, Kept]) -> dict[str, Kept]:
    """What of the stack stays. Raises WouldDelete where that is not all that must."""
    stays = leaving.retained({**template})
    lost = [
        f"  {name}  {each.id}"
        for name, each in sorted(there.items())
        if each.kind in HOLD and name not in stays and name not in EMPTIED
    ]
    if lost:
        raise WouldDelete(
            "the stack would delete what holds answers, or what they are read with, for its own"
            " template does not retain it:\n" + "\n".join(lost) + "\nNothing was removed. Deploy"
            " this version first, which retains it"
        )
    return {name: there[name] for name in stays if name in there}


def _template(aws: Any, name: str) -> Mapping[str, Any]:
    said = aws.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
    found: Mapping[str, Any] = msgspec.json.decode(said) if isinstance(said, str) else said
    return found


def _empty(s3: Any, bucket: str) -> None:
    """Every version, or CloudFormation could not remove the bucket."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if found:
            named = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
            s3.delete_objects(Bucket=bucket, Delete={"Objects": named, "Quiet": True})
