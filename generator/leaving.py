"""What outlives a stack, and how a new one takes it up again: by CloudFormation's own import.

A bucket, a table, a secret and a key that were retained belong to no stack. A stack is first made
of them alone, unchanged, and then updated to the whole template.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from generator.depot import Kept
from generator.template import Tree, changed

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


def skeleton(template: Tree, left: Container[str]) -> Tree:
    """The part of a template that holds what was left. It names nothing of the rest, and so needs
    no transform, which an import may not have."""
    kinds = retained(template)
    absent = {template["Resources"][name].get("Condition") for name in kinds if name not in left}

    def decided(tree: Tree) -> Any:
        said = tree.get("Fn::If")
        return said[2] if said and said[0] in absent else tree

    resources = {name: template["Resources"][name] for name in kinds if name in left}
    return {
        "AWSTemplateFormatVersion": template["AWSTemplateFormatVersion"],
        "Parameters": template["Parameters"],
        "Conditions": template["Conditions"],
        "Resources": changed(resources, decided),
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
