"""What a change set would do, worded; and what may not be done, for it holds what nobody can make
again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from chalicelib.survey import EchoformError

HOLD = {
    "AWS::S3::Bucket",
    "AWS::DynamoDB::Table",
    "AWS::SecretsManager::Secret",
    "AWS::KMS::Key",
}
"""Kinds that hold something, or without which it cannot be read."""
EMPTIED = ("Site", "Results")
"""Buckets whose content follows from something else."""
MANY = 20
_ANEW = "GenerateSecretString"
"""Whoever changes how a secret is made gets another one, and nobody's pseudonym fits any more."""


class WouldLose(EchoformError):
    """A stack would lose what holds answers, or what they cannot be read without."""


class Change(Struct, frozen=True):
    """One resource, and what would become of it."""

    sign: str
    """``+`` made, ``~`` changed, ``!`` made anew in place of the old, ``?`` perhaps so, ``-``
    removed."""
    name: str
    kind: str
    what: str = ""
    """Properties that change."""

    @property
    def loses(self) -> bool:
        """Whether what cannot be made again would be lost to the stage."""
        return (self.sign in "!-" and self.held) or _ANEW in self.what

    @property
    def may_lose(self) -> bool:
        """Whether AWS itself cannot say before."""
        return self.sign == "?" and self.held

    @property
    def held(self) -> bool:
        return self.kind in HOLD and self.name not in EMPTIED

    def __str__(self) -> str:
        kind = self.kind.removeprefix("AWS::")
        return f"  {self.sign} {self.name}  {kind}" + (f"  ({self.what})" if self.what else "")


_SIGNS = {"Add": "+", "Modify": "~", "Remove": "-", "Import": "=", "Dynamic": "?"}
_REPLACED = {"True": "!", "Conditional": "?"}


def read(said: Iterable[dict[str, Any]]) -> list[Change]:
    """Changes as CloudFormation tells them: what is lost first, then by sign and name."""
    found = [_change(each["ResourceChange"]) for each in said if "ResourceChange" in each]
    order = "-!?~+="
    return sorted(found, key=lambda c: (not c.loses, not c.may_lose, order.index(c.sign), c.name))


def lines(changes: Sequence[Change]) -> Iterator[str]:
    """Every change, and what the signs mean. Many of one sign stand together by their kind, but
    what holds answers stands alone."""
    signs = Counter(change.sign for change in changes)
    together: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        if signs[change.sign] > MANY and (change.sign == "+" or not change.held):
            together.setdefault((change.sign, change.kind), []).append(change)
        else:
            yield str(change)
    for (sign, kind), those in sorted(together.items()):
        what = ", ".join(sorted({name for each in those for name in each.what.split(", ")} - {""}))
        names = ", ".join(each.name for each in those)
        yield f"  {sign} {kind.removeprefix('AWS::')}  {names}" + (f"  ({what})" if what else "")
    words = {
        "+": "made", "~": "changed", "!": "made anew", "?": "perhaps made anew",
        "-": "removed", "=": "taken up",
    }  # fmt: skip
    counts = {sign: sum(c.sign == sign for c in changes) for sign in words}
    yield ", ".join(f"{sign} {n} {words[sign]}" for sign, n in counts.items() if n)


def guard(changes: Sequence[Change], kept: Container[str] = ()) -> list[str]:
    """What AWS must be kept from making anew, by name: of it, it cannot say before whether it does.

    ``kept``: what whoever deploys says is not made anew. Raises WouldLose with each change that may
    not be.
    """
    if lost := [str(change) for change in changes if change.loses]:
        raise WouldLose(
            "this would take from the stage what holds answers, or what they are read with:\n"
            + "\n".join(lost)
            + "\nNothing was changed. Undo the change that asks for it (of infra/, or a parameter"
            " such as OwnKey)"
        )
    doubtful = [change for change in changes if change.may_lose]
    if unsaid := [change for change in doubtful if change.name not in kept]:
        raise WouldLose(
            "AWS cannot say before whether this makes anew, and empty, what holds answers:\n"
            + "\n".join(map(str, unsaid))
            + "\nNothing was changed. AWS's documentation of each kind says which change of which"
            " property replaces it. If this one does: undo it. If it does not: echoform deploy"
            + "".join(f" --keeps {change.name}" for change in unsaid)
            + ", and AWS is told to refuse it should it be otherwise"
        )
    return [change.name for change in doubtful]


def keeping(names: Iterable[str]) -> dict[str, Any]:
    """A stack's policy by which AWS neither makes these anew nor removes them."""
    every = {"Principal": "*"}
    return {
        "Statement": [
            {"Effect": "Allow", "Action": "Update:*", "Resource": "*", **every},
            {
                "Effect": "Deny",
                "Action": ["Update:Replace", "Update:Delete"],
                "Resource": [f"LogicalResourceId/{name}" for name in names],
                **every,
            },
        ]
    }


def _change(said: dict[str, Any]) -> Change:
    sign = _SIGNS[said["Action"]]
    if sign == "~":
        sign = _REPLACED.get(said.get("Replacement", ""), sign)
    targets = (detail.get("Target", {}) for detail in said.get("Details", []))
    names = {t.get("Name") or t.get("Attribute") for t in targets} - {None}
    what = ", ".join(sorted(names)) if sign in "~!?" else ""
    return Change(sign, said["LogicalResourceId"], said["ResourceType"], what)
