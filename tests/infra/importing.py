"""CloudFormation, as far as it imports: no stand-in takes up every kind that a stage leaves.

It knows the rules by which AWS takes up resources into a new stack, and breaks on what AWS would
refuse: what is imported is all there is in the template, is retained, is named by its own
identifier, and needs no transform; outputs and new resources come with the next change.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from generator.leaving import IDENTIFIED
from generator.template import Tree


class Imports:
    """One stack at most. ``done``: what was asked for and carried out, in order."""

    def __init__(self, s3: Any, fails: str = "") -> None:
        """``fails``: a kind of change set (``UPDATE``) that is rolled back."""
        self.exceptions = SimpleNamespace(ClientError=ClientError)
        self.meta = SimpleNamespace(region_name="eu-central-1", partition="aws")
        self.fails, self.done = fails, list[str]()
        self.stack: dict[str, Any] | None = None
        self.resources: set[str] = set()
        self.told: dict[str, str] = {}
        self.protected = False
        self._s3, self._asked = s3, dict[str, Any]()

    def describe_stacks(self, StackName: str) -> Tree:
        if self.stack is None:
            message = f"Stack with id {StackName} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "")
        told = [{"ParameterKey": k, "ParameterValue": v} for k, v in self.told.items()]
        return {"Stacks": [{**self.stack, "Parameters": told}]}

    def create_change_set(self, **asked: Any) -> None:
        known = {each["ParameterKey"]: each for each in asked["Parameters"]}
        before = {name for name, each in known.items() if each.get("UsePreviousValue")}
        assert before <= {*self.told}, "only what the stack has can stay as it was"
        self._asked = {**asked, "Template": self._template(asked["TemplateURL"])}
        template = self._asked["Template"]
        assert {*known} <= {*template["Parameters"]}
        lacks = {n for n, each in template["Parameters"].items() if "Default" not in each}
        assert lacks <= {*known}
        if asked["ChangeSetType"] == "IMPORT":
            assert self.stack is None
            assert not {"Transform", "Outputs"} & {*template}
            assert {*template["Resources"]} == {
                each["LogicalResourceId"] for each in asked["ResourcesToImport"]
            }
            for each in asked["ResourcesToImport"]:
                said = template["Resources"][each["LogicalResourceId"]]
                assert said["DeletionPolicy"] == "Retain"
                assert said["Type"] == each["ResourceType"]
                assert {*each["ResourceIdentifier"]} == {IDENTIFIED[said["Type"]]}
        else:
            assert (asked["ChangeSetType"] == "UPDATE") is (self.stack is not None)
        if self.stack is None:
            self._becomes("REVIEW_IN_PROGRESS")

    def describe_change_set(self, **_: str) -> Tree:
        template = self._asked["Template"]
        imports = self._asked["ChangeSetType"] == "IMPORT"
        names = template["Resources"].keys() - self.resources
        changes = [
            {
                "Action": "Import" if imports else "Add",
                "LogicalResourceId": name,
                "ResourceType": template["Resources"][name]["Type"],
            }
            for name in names
        ]
        return {
            "Status": "CREATE_COMPLETE",
            "StackId": "id",
            "Changes": [{"ResourceChange": each} for each in changes],
        }

    def execute_change_set(self, **more: Any) -> None:
        kind = self._asked["ChangeSetType"]
        assert "RetainExceptOnCreate" not in more or kind != "IMPORT", "what is taken up must stay"
        self.done.append(kind)
        if kind == self.fails:
            self._becomes(f"{kind}_ROLLBACK_COMPLETE")
            return
        self.resources = {*self._asked["Template"]["Resources"]}
        for each in self._asked["Parameters"]:
            self.told.setdefault(each["ParameterKey"], "")
            if "ParameterValue" in each:
                self.told[each["ParameterKey"]] = each["ParameterValue"]
        self._becomes(f"{kind}_COMPLETE")

    def delete_change_set(self, **_: str) -> None:
        self._asked = {}

    def delete_stack(self, **_: str) -> None:
        self.done.append("DELETE")
        self.stack, self.resources = None, set()

    def update_termination_protection(self, **_: Any) -> None:
        self.protected = True

    def get_paginator(self, _: str) -> Any:
        return SimpleNamespace(paginate=lambda **_: self._nothing())

    def _nothing(self) -> Iterator[Tree]:
        yield {"StackEvents": [], "StackResourceSummaries": []}

    def _becomes(self, status: str) -> None:
        self.stack = {"StackId": "id", "StackName": "echoform-dev", "StackStatus": status}

    def _template(self, url: str) -> Tree:
        bucket, key = url.split("/", 4)[3:]
        found: Tree = msgspec.json.decode(
            self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        )
        return found
