"""What happens to a stack, as it happens; and what stopped it, in words and with what to do."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from chalicelib.survey import EchoformError
from generator import stacks

Say = Callable[[str], object]
Pause = Callable[[], object]

a_while: Pause = partial(time.sleep, 3)
ADVICE = {
    r"UnreservedConcurrentExecution|ReservedConcurrentExecution": (
        "the account may run too few functions at once: --parameter Reserve=no"
    ),
    r"MemorySize": (
        "a new account takes less memory for a function: ask AWS for more, or change"
        " functions/.chalice/config.json"
    ),
    r"must be verified before you can add": (
        "AWS verifies new accounts before CloudFront: open a support case, which takes a day"
    ),
    r"CNAMEAlreadyExists|CNAMEs? you provided": (
        "another distribution has this domain: take it away there, or give another --domain"
    ),
    r"(?i)certificate": (
        "--certificate is an ARN of ACM in us-east-1, issued, and for this domain (in China: an"
        " id of IAM)"
    ),
    r"(?i)not authorized|AccessDenied|access denied|UnauthorizedOperation": (
        "whoever deploys needs this right: infra/README.md says which there are"
    ),
    r"(?i)with identifier .* was not found": (
        "something of the earlier stage is gone. --afresh begins without any of it, also without"
        " its answers: look first what there is"
    ),
    r"(?i)\bimport\b": (
        "what the earlier stage left is as it was, and nothing else was made; infra/README.md says"
        " how it is taken up by hand"
    ),
    r"not empty": "repeat `echoform destroy`: something was put into the bucket meanwhile",
}
"""What to do about reasons of AWS's, by what they say."""


_WORDS = {
    "CREATE_COMPLETE": "made",
    "UPDATE_COMPLETE": "changed",
    "IMPORT_COMPLETE": "taken up",
    "DELETE_COMPLETE": "removed",
    "DELETE_SKIPPED": "stays",
}


class Failed(EchoformError):
    """A stack is not what it should be; the message says which resource, why, and what is now."""


class Watched:
    """One stack, from now on: what happened before is not told again."""

    def __init__(self, cloudformation: Any, stack: str, say: Say, pause: Pause = a_while) -> None:
        """``stack``: its name, or its id where it may be gone before the end."""
        self._aws, self._stack, self._say, self._pause = cloudformation, stack, say, pause
        self._last = next((each["EventId"] for each in self._backwards()), "")
        self._failures: list[dict[str, Any]] = []

    def until_still(self) -> str:
        """Tell what happens until the stack is at rest; its status then."""
        while True:
            stack = stacks.found(self._aws, self._stack)
            self._tell()
            status = stack["StackStatus"] if stack else "DELETE_COMPLETE"
            if not status.endswith("_IN_PROGRESS"):
                return str(status)
            self._pause()

    def failure(self, status: str) -> Failed:
        """Why it did not become what it should."""
        name = self._stack.split("/")[1] if "/" in self._stack else self._stack
        now = next(words for end, words in _STANDS.items() if status.endswith(end))
        return Failed("\n".join([f"{name} {now}", *self._reasons()]))

    def _tell(self) -> None:
        new = []
        for each in self._backwards():
            if each["EventId"] == self._last:
                break
            new.append(each)
        self._last = new[0]["EventId"] if new else self._last
        for each in reversed(new):
            status = each["ResourceStatus"]
            if status.endswith("_FAILED"):
                self._failures.append(each)
            if each["ResourceType"] == "AWS::CloudFormation::Stack":
                continue
            word = "failed" if status.endswith("_FAILED") else _WORDS.get(status)
            if word:
                kind = each["ResourceType"].removeprefix("AWS::")
                self._say(f"  {word:8} {each['LogicalResourceId']}  {kind}")

    def _reasons(self) -> Iterator[str]:
        """Of each that failed by itself, and not because another did."""
        for each in self._failures:
            reason = each.get("ResourceStatusReason", "")
            whole = each["ResourceType"] == "AWS::CloudFormation::Stack"
            if "cancelled" in reason or (whole and len(self._failures) > 1):
                continue
            yield f"  {each['LogicalResourceId']}: {reason}"
            yield from (f"    {what}" for what in advice(reason))

    def _backwards(self) -> Iterator[dict[str, Any]]:
        """Events, the newest first; none where there is no stack yet."""
        pages = self._aws.get_paginator("describe_stack_events")
        try:
            for page in pages.paginate(StackName=self._stack):
                yield from page["StackEvents"]
        except self._aws.exceptions.ClientError as error:
            if "does not exist" not in str(error):
                raise


_STANDS = {
    "UPDATE_ROLLBACK_COMPLETE": "was not changed: AWS rolled it back to what it was",
    "ROLLBACK_COMPLETE": (
        "was not made: AWS rolled it back, and nothing is left of it. Correct this, and repeat"
        " `echoform deploy`"
    ),
    "UPDATE_ROLLBACK_FAILED": (
        "could not even be rolled back: `aws cloudformation continue-update-rollback` goes on with"
        " that, once what stopped it is corrected"
    ),
    "DELETE_FAILED": "is not wholly removed: correct this, and repeat",
    "": "is not what it should be: see it in AWS's console",
}
"""Where a stack stands that failed, by the end of its status."""


def remove(cloudformation: Any, stack: str, say: Say, pause: Pause) -> None:
    """Remove a stack, by its id, and tell it until it is gone. Raises Failed."""
    watched = Watched(cloudformation, stack, say, pause)
    cloudformation.delete_stack(StackName=stack)
    ended = watched.until_still()
    if ended != "DELETE_COMPLETE":
        raise watched.failure(ended)


def advice(reason: str) -> list[str]:
    """What to do about a reason, as far as it is known."""
    return [what for pattern, what in ADVICE.items() if re.search(pattern, reason)][:1]
