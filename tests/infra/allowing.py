"""Whether statements of IAM allow an action: enough of its language for policies of ours.

It knows Allow with actions and resources, and refuses to judge anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple


class Leave(NamedTuple):
    """One action on one pattern of resources."""

    action: str
    on: str


def leaves(statements: Sequence[dict[str, Any]]) -> Iterator[Leave]:
    for statement in statements:
        assert {*statement} <= {"Sid", "Effect", "Action", "Resource"}, statement
        assert statement["Effect"] == "Allow"
        for action in listed(statement["Action"]):
            for resource in listed(statement["Resource"]):
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
