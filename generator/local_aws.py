"""What ``echoform deploy`` would make on AWS, made in a stand-in on this machine, and served.

The packages, the template, the deployment and the publishing are the real ones. What the stand-in
cannot do is taken out of the template here, each with its reason; infra/README.md has the list.
"""

from __future__ import annotations

import copy
import json
import os
import shlex
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
import msgspec
from msgspec import Struct

from chalicelib.survey import EchoformError
from generator import packaging, stacks, stand_in
from generator.account import clients, whose
from generator.building import gather
from generator.deploying import deploy
from generator.depot import Depot
from generator.local_front import Front
from generator.packaging import Stale
from generator.publishing import publish_site
from generator.stage import place_of
from generator.stand_in import StandIn
from generator.template import CODE, LAYER, PARTITIONS, Tree, logical, referred

Say = Callable[[str], object]

STAGE = "local"
TEMPLATE = f"template-{PARTITIONS[0]}.json"
UNKNOWN = ("AWS::Budgets::Budget",)
"""Kinds of resources that the stand-in does not know."""
CLEAR = "OnlyTls"
"""Statements that refuse whatever does not come over TLS: the stand-in heeds them, and has none."""


class Dangling(EchoformError):
    """The template refers to what it does not have. AWS refuses that; the stand-in would not."""


class Failing(EchoformError):
    """A function ended with an error. The message says which, and what it said."""


class Stage(Struct, frozen=True):
    """A stage on this machine."""

    aws: StandIn
    outputs: Mapping[str, str]

    @property
    def data(self) -> str:
        return f"s3://{self.outputs['DataBucket']}"

    @property
    def distribution(self) -> str:
        """The name by which browsers would find it."""
        return self.outputs["FrontDomain"]

    @property
    def environment(self) -> dict[str, str]:
        """What every command needs to work on this stage."""
        secret = self.aws.client("secretsmanager").get_secret_value(
            SecretId=self.outputs["PseudonymSecret"]
        )
        return {
            **self.aws.environment,
            "ECHOFORM_DATA": self.data,
            "ECHOFORM_KEY": secret["SecretString"],
            "ECHOFORM_FOLLOW_UPS": self.outputs["FollowUpsTable"],
        }

    def invoke(self, function: str) -> Any:
        """Run a scheduled function now, as its schedule does. Raises Failing."""
        name = self.resource(logical(function))
        event = {
            **{"version": "0", "account": self.aws.account, "region": stand_in.REGION, "id": "now"},
            **{"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}},
            **{"time": "2026-01-01T00:00:00Z", "resources": []},
        }
        done = self.aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        said = json.loads(done["Payload"].read())
        if "FunctionError" in done:
            raise Failing(f"{function}: {said.get('errorMessage', said)}")
        return said

    def resource(self, logical_id: str) -> str:
        """What a resource of the template is called in the account."""
        found = self.aws.client("cloudformation").describe_stack_resource(
            StackName=stacks.name(STAGE), LogicalResourceId=logical_id
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])


def run_local_aws(paths: Sequence[Path], host: str, port: int, say: Say) -> None:
    """Deploy the packages into a stand-in, publish there, and serve until interrupted."""
    gathered = gather(paths)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the stand-in ends too
    with suppress(KeyboardInterrupt), stand_in.running() as aws:
        stage = deployed(aws, packaged(say), lambda line: line.startswith("  ") or say(line))
        publish(paths, stage, say)
        with served(stage, host, port) as front:
            for contract in gathered.contracts:
                say(f"{front.address}/{contract.id}/")
            say(f"{front.address}/staff/ is where your team calls back")
            say("Every other command works on this stage, and so does `aws`, in this environment:")
            for name, value in stage.environment.items():
                say(f"  export {name}={shlex.quote(value)}")
            say(f"  echoform staff token --sub A07 --role agent --team T1 --site {front.address}")
            say("Schedules fire by themselves, the first a minute from now. Nothing is kept.")
            say(f"The stand-in's log: {aws.log} (Ctrl-C stops)")
            threading.Event().wait()


def packaged(say: Say) -> Path:
    """The packages for this machine, made anew where they are not what there is now."""
    built = stand_in.cache_folder() / "packages"
    try:
        made = packaging.check(built)
        if made.architecture == stand_in.architecture():
            return built
    except Stale:
        pass
    say("packaging the functions and their layer for this machine")
    held = os.environ.get("ECHOFORM_WHEELS")
    packaging.package(built, stand_in.architecture(), Path(held) if held else None)
    return built


def deployed(aws: StandIn, built: Path, say: Say, template: Tree | None = None) -> Stage:
    """The stage that a package says, or that of another ``template``.

    Raises Stale, Dangling, Failed.
    """
    packaging.check(built)
    whole = template or msgspec.json.decode((built / TEMPLATE).read_bytes())
    known = {*whole["Resources"], *whole["Parameters"]}
    if lacks := sorted({name for name in referred(whole) if "AWS::" not in name} - known):
        raise Dangling(f"the template refers to {', '.join(lacks)}, and has nothing of that name")
    with TemporaryDirectory() as folder, environment(aws.environment):
        for name in (CODE, LAYER):
            Path(folder, name).symlink_to((built / name).resolve())
        Path(folder, TEMPLATE).write_bytes(msgspec.json.encode(adapted(whole, aws.port)))
        asked = clients(stand_in.REGION)
        # Made here, the depot is without its policy, which refuses what does not come over TLS.
        asked["s3"].create_bucket(Bucket=Depot(asked["s3"], whose(asked)).bucket)
        made = deploy(
            *(asked, STAGE, Path(folder), {}, say, lambda _: True),
            pause=partial(time.sleep, 0.2),
        )
    return Stage(aws, made)


def adapted(template: Tree, port: int) -> Tree:
    """The template without what the stand-in cannot do; its API as an origin that is found."""
    made = copy.deepcopy(template)
    resources = made["Resources"]
    for name in [name for name, each in resources.items() if each["Type"] in UNKNOWN]:
        del resources[name]
    for name, each in [*resources.items()]:
        if each["Type"] == "AWS::S3::BucketPolicy":
            document = each["Properties"]["PolicyDocument"]
            document["Statement"] = [s for s in document["Statement"] if s.get("Sid") != CLEAR]
            if not document["Statement"]:
                del resources[name]
    origins = resources["Front"]["Properties"]["DistributionConfig"]["Origins"]
    (api,) = (origin for origin in origins if origin["Id"] == "api")
    (gateway, *_) = (name for name in referred(api["DomainName"]) if name in resources)
    api["DomainName"] = "localhost"
    api["OriginPath"] = {"Fn::Sub": f"/_aws/execute-api/${{{gateway}}}"}
    api["CustomOriginConfig"] |= {"OriginProtocolPolicy": "http-only", "HTTPPort": port}
    return made


def publish(paths: Sequence[Path], stage: Stage, say: Say) -> None:
    """Put the surveys live, by what does it on AWS."""
    with environment(stage.environment):
        publish_site(gather(paths), place_of(STAGE, None, None, None), False, say)


@contextmanager
def served(stage: Stage, host: str, port: int) -> Iterator[Front]:
    """The stage's site on a port of this machine."""
    front = Front(host, port, stage.aws.port, stage.distribution)
    thread = threading.Thread(target=front.serve_forever)
    thread.start()
    try:
        yield front
    finally:
        front.shutdown()
        front.server_close()
        thread.join()


@contextmanager
def environment(said: Mapping[str, str]) -> Iterator[None]:
    """These variables, for a while: libraries of AWS's read no others."""
    before = {name: os.environ.get(name) for name in said}
    os.environ.update(said)
    boto3.DEFAULT_SESSION = None  # it would keep the credentials it found first
    try:
        yield
    finally:
        boto3.DEFAULT_SESSION = None
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
