"""A small stage: a template with one of each that matters, and clients of moto to deploy it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import msgspec
from botocore.awsrequest import AWSResponse
from moto.cloudformation.models import cloudformation_backends

from generator import deploying, destroying
from generator.template import Tree

STAGE = "dev"
NAME = "echoform-dev"


def bucket(kept: bool = True) -> Tree:
    policy = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"} if kept else {}
    return {"Type": "AWS::S3::Bucket", "Properties": {}, **policy}


def template() -> Tree:
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": {
            "Domain": {"Type": "String", "Default": ""},
            "Certificate": {"Type": "String", "Default": ""},
            "Budget": {"Type": "Number", "Default": 50},
            "OwnKey": {"Type": "String", "Default": "no"},
            "Reserve": {"Type": "String", "Default": "yes"},
        },
        "Conditions": {"WithKey": {"Fn::Equals": [{"Ref": "OwnKey"}, "yes"]}},
        "Resources": {
            "Data": bucket(),
            "Site": bucket(kept=False),
            "Results": bucket(kept=False),
            "Told": {
                "Type": "AWS::SNS::Topic",
                "Properties": {"DisplayName": {"Ref": "Budget"}},
            },
        },
        "Outputs": {
            "Address": {"Value": "https://d1.example.com"},
            "DataBucket": {"Value": {"Ref": "Data"}},
            "SiteBucket": {"Value": {"Ref": "Site"}},
        },
    }


def reserving(resources: Tree) -> Tree:
    """As functions that keep places say it; no stand-in makes them, so only templates hold them."""
    places = {"Fn::If": ["Reserves", 1, {"Ref": "AWS::NoValue"}]}
    properties = {"CodeUri": "s3://b/k", "ReservedConcurrentExecutions": places}
    function = {"Type": "AWS::Serverless::Function", "Properties": properties}
    return {**resources, "Merge": function, "Invite": function}


class Limits:
    """Lambda, as far as it says how much may run at once."""

    def __init__(self, unreserved: int = 1000) -> None:
        self.unreserved = unreserved

    def get_account_settings(self) -> Tree:
        return {"AccountLimit": {"UnreservedConcurrentExecutions": self.unreserved}}


class Cloud:
    """An account, the folder of packages, and all that was said and asked."""

    def __init__(self, built: Path, region: str = "eu-central-1") -> None:
        def made(name: str) -> Any:
            return boto3.client(name, region_name=region)  # type: ignore[call-overload]

        self.clients: dict[str, Any] = {n: made(n) for n in ("s3", "sts", "cloudformation")}
        self.clients["us-east-1"] = boto3.client("cloudformation", region_name="us-east-1")
        self.clients["lambda"] = Limits()
        self.built, self.region = built, region
        self.policies: list[str] = []
        self.s3.meta.events.register("before-call.s3.PutBucketPolicy", self._policy)
        self.protected: bool | None = None
        self.aws.meta.events.register(
            "before-call.cloudformation.UpdateTerminationProtection", self._protection
        )
        for each in (self.aws, self.clients["us-east-1"]):
            each.meta.events.register("after-call.cloudformation.ExecuteChangeSet", _executed)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.agrees = True
        self.keeps: tuple[str, ...] = ()
        self.build(template())

    @property
    def aws(self) -> Any:
        return self.clients["cloudformation"]

    @property
    def s3(self) -> Any:
        return self.clients["s3"]

    def build(self, made: Tree, name: str = "template-aws.json") -> None:
        self.built.mkdir(exist_ok=True)
        (self.built / name).write_bytes(msgspec.json.encode(made))

    def deploy(self, stage: str = STAGE, **parameters: str) -> dict[str, str]:
        return deploying.deploy(
            self.clients, stage, self.built, parameters, self._say, self._agree,
            keeps=self.keeps, pause=_never,
        )  # fmt: skip

    def again(self) -> dict[str, str]:
        return deploying.again(self.clients, STAGE, self._say, self._agree, pause=_never)

    def destroy(self) -> dict[str, str]:
        return destroying.destroy(self.clients, STAGE, self._say, self._agree, pause=_never)

    def text(self) -> str:
        """What was said since this was last asked."""
        text = "\n".join(self.said)
        self.said.clear()
        return text

    def put(self, bucket: str, key: str, data: bytes = b"1") -> None:
        self.s3.put_object(Bucket=bucket, Key=key, Body=data)

    def buckets(self) -> set[str]:
        return {each["Name"] for each in self.s3.list_buckets()["Buckets"]}

    def parameters(self) -> dict[str, str]:
        [stack] = self.aws.describe_stacks(StackName=NAME)["Stacks"]
        return {p["ParameterKey"]: p["ParameterValue"] for p in stack.get("Parameters", [])}

    def _say(self, line: str) -> None:
        self.said.append(line)

    def _policy(self, params: Tree, **_: object) -> tuple[AWSResponse, Tree]:
        """Kept here, for moto heeds no condition: one that denies plain HTTP would deny all."""
        self.policies.append(str(params["body"]))
        return AWSResponse("", 204, {}, None), {}

    def _protection(self, params: Tree, **_: object) -> tuple[AWSResponse, Tree]:
        """Kept here, for moto knows no protection of stacks."""
        self.protected = params["body"]["EnableTerminationProtection"] == "true"
        return AWSResponse("", 200, {}, None), {}

    def _agree(self, question: str) -> bool:
        self.asked.append(question)
        return self.agrees


def stack_of(cloudformation: Any, name: str) -> Any:
    """moto's own stack."""
    region = cloudformation.meta.region_name
    return cloudformation_backends["123456789012"][region].get_stack(name)


def _executed(**_: object) -> None:
    """moto forgets the parameters and the outputs of a change set that it carries out."""
    for backend in cloudformation_backends["123456789012"].values():
        for done in backend.change_sets.values():
            if done.execution_status == "EXECUTE_COMPLETE":
                done.stack.parameters = {**done.stack.stack_parameters}
                done.stack._parse_template()
                done.stack.output_map = done.stack._create_output_map()


def _never() -> None:
    raise AssertionError("moto is done at once")
