"""What outlives a stack, and how a new one takes it up again: by CloudFormation's own import.

A bucket, a table, a secret and a key that were retained belong to no stack. A stack is first made
of them alone, unchanged, and then updated to the whole template.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generator.depot import Kept
from generator.template import Tree

IDENTIFIED = {
    "AWS::S3::Bucket": "BucketName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::SecretsManager::Secret": "Id",
    "AWS::KMS::Key": "KeyId",
}
"""By what CloudFormation imports a resource, by its kind."""


def retained(template: Tree) -> dict[str, str]:
    """Kinds of the resources that stay when the stack goes, by name."""
    return {
        name: each["Type"]
        for name, each in template["Resources"].items()
        if each.get("DeletionPolicy") in ("Retain", "RetainExceptOnCreate")
    }


def skeleton(template: Tree) -> Tree:
    """The part of a template that holds what stays. It names nothing of the rest, and so needs no
    transform, which an import may not have."""
    resources = {name: template["Resources"][name] for name in retained(template)}
    return {
        "AWSTemplateFormatVersion": template["AWSTemplateFormatVersion"],
        "Parameters": template["Parameters"],
        "Conditions": template["Conditions"],
        "Resources": resources,
    }


def imported(left: Mapping[str, Kept]) -> list[dict[str, Any]]:
    """What to import, as CloudFormation is asked for it."""
    return [
        {
            "ResourceType": kept.kind,
            "LogicalResourceId": name,
            "ResourceIdentifier": {IDENTIFIED[kept.kind]: kept.id},
        }
        for name, kept in sorted(left.items())
    ]
