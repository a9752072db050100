"""Whether statements of IAM allow an action: enough of its language for policies of ours.

It knows Allow with actions and resources, on a condition of the template as if that held, and
refuses to judge anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

TELEPHONES = "telephones"
"""What SNS publishes to that is no topic."""
_TOPICS = "arn:${AWS::Partition}:sns:*:*:*"


class Leave(NamedTuple):
    """One action on one pattern of resources."""

    action: str
    on: str


def leaves(statements: Sequence[dict[str, Any]]) -> Iterator[Leave]:
    for statement in statements:
        if "Fn::If" in statement:
            _, statement, otherwise = statement["Fn::If"]
            assert otherwise == {"Ref": "AWS::NoValue"}
        assert {*statement} <= {"Sid", "Effect", "Action", "Resource", "NotResource"}, statement
        assert statement["Effect"] == "Allow"
        assert ("Resource" in statement) != ("NotResource" in statement)
        resources = listed(statement["Resource"]) if "Resource" in statement else [TELEPHONES]
        for action in listed(statement["Action"]):
            if "NotResource" in statement:
                assert (action, named(statement["NotResource"])) == ("sns:Publish", _TOPICS)
            for resource in resources:
                yield Leave(action, named(resource))


def allows(statements: Sequence[dict[str, Any]], action: str, on: str) -> bool:
    return any(matches(leave, action, on) for leave in leaves(statements))


def matches(leave: Leave, action: str, on: str) -> bool:
    # fnmatch has [] beyond IAM's * and ?; no name of ours has brackets.
    assert "[" not in leave.on
    return fnmatchcase(action, leave.action) and fnmatchcase(on, leave.on)


def named(resource: Any) -> str:
    """A resource as the template names it: ``Data/landing/*`` for ``${Data.Arn}/landing/*``."""
    if isinstance(resource, str):
        return resource
    [(how, value)] = resource.items()
    if how == "Fn::GetAtt":
        assert value[1] == "Arn"
        return str(value[0])
    assert how == "Fn::Sub"
    return re.sub(r"\$\{(\w+)\.Arn\}", r"\1", value)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
