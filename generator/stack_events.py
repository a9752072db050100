"""What happens to a stack, as it happens; and what stopped it, in words and with what to do.

A stage has more than a hundred resources, and each was shown before: those of a kind are told
together, once all of them are done. What fails is told at once, and what was cut off by its name.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from chalicelib.survey import EchoformError
from generator import stacks
from generator.terminal import wrapped

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
_FEW = 4
"""Of a kind that is wholly done no more are named again."""


class Failed(EchoformError):
    """A stack is not what it should be; the message says which resource, why, and what is now."""


class Watched:
    """One stack, from now on: what happened before is not told again."""

    def __init__(
        self,
        cloudformation: Any,
        stack: str,
        say: Say,
        pause: Pause = a_while,
        kinds: Iterable[str] = (),
    ) -> None:
        """``stack``: its name, or its id where it may be gone before the end. ``kinds``: of each
        resource to which something is to happen."""
        self._aws, self._stack, self._say, self._pause = cloudformation, stack, say, pause
        self._awaited = Counter(kinds)
        self._done: dict[str, list[tuple[str, str]]] = {}
        """Words and names that are not told yet, by kind."""
        self._last = next((each["EventId"] for each in self._backwards()), "")
        self._failures: list[dict[str, Any]] = []

    def until_still(self) -> str:
        """Tell what happens until the stack is at rest; its status then."""
        while True:
            stack = stacks.found(self._aws, self._stack)
            self._tell()
            status = stack["StackStatus"] if stack else "DELETE_COMPLETE"
            if not status.endswith("_IN_PROGRESS"):
                for kind in [*self._done]:
                    self._tell_kind(kind)
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
            status, name, kind = (
                each[said] for said in ("ResourceStatus", "LogicalResourceId", "ResourceType")
            )
            failed = status.endswith("_FAILED")
            if failed:
                self._failures.append(each)
            if kind == "AWS::CloudFormation::Stack":
                continue
            if failed:
                self._say(f"  failed   {kind.removeprefix('AWS::')}  {name}")
            elif word := _WORDS.get(status):
                self._done.setdefault(kind, []).append((word, name))
                self._awaited[kind] -= 1
                if not self._awaited[kind]:
                    self._tell_kind(kind, whole=True)

    def _tell_kind(self, kind: str, whole: bool = False) -> None:
        """``whole``: nothing of it is awaited any more, and what was to become of it was shown."""
        names: dict[str, list[str]] = {}
        for word, name in self._done.pop(kind):
            names.setdefault(word, []).append(name)
        for word, those in names.items():
            brief = whole and len(names) == 1 and len(those) > _FEW
            said = f"all {len(those)}" if brief else ", ".join(sorted(those))
            for line in wrapped(f"  {word:8} {kind.removeprefix('AWS::')}  ", said):
                self._say(line)

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
    kinds = [kind for kind, _ in stacks.resources(cloudformation, stack).values()]
    watched = Watched(cloudformation, stack, say, pause, kinds)
    cloudformation.delete_stack(StackName=stack)
    ended = watched.until_still()
    if ended != "DELETE_COMPLETE":
        raise watched.failure(ended)


def advice(reason: str) -> list[str]:
    """What to do about a reason, as far as it is known."""
    return [what for pattern, what in ADVICE.items() if re.search(pattern, reason)][:1]
