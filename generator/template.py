"""The CloudFormation template: what Chalice says of the functions, and infra/ says of all else.

Chalice reads routes, schedules and queues from ``app.py``; ``.chalice/config.json`` says what each
function needs and ``infra/policies.yaml`` what it may do. A function without either is refused, so
nothing reaches AWS with a default's memory or somebody else's rights. What is the same for every
function (its log, its layer, the key of the data) is added here once.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import msgspec
import yaml
from chalice.app import Chalice
from chalice.config import Config
from chalice.deploy.appgraph import ApplicationGraphBuilder, DependencyBuilder
from chalice.deploy.deployer import (
    BuildStage,
    DeploymentPackager,
    InjectDefaults,
    LambdaEventSourcePolicyInjector,
    PolicyGenerator,
    SwaggerBuilder,
)
from chalice.deploy.swagger import CFNSwaggerGenerator
from chalice.package import ResourceBuilder, SAMTemplateGenerator, TemplateDeepMerger
from chalice.utils import OSUtils, to_cfn_resource_name

from chalicelib.survey import EchoformError
from generator import http_api
from generator.places import CHALICE, INFRA
from generator.wheels import PYTHON

Tree: TypeAlias = dict[str, Any]

CODE = "functions.zip"
LAYER = "computing.zip"
PARTITIONS = ("aws", "aws-cn")
API = "api_handler"
"""What Chalice calls the one function behind every route, and ``APIHandler`` in templates."""
_NAMED = {API: "APIHandler"}


class Unready(EchoformError):
    """A function has no entry where every function must have one."""


class _Ours(Config):
    """Chalice packages for the interpreter that runs it; ours packages for Lambda's."""

    lambda_python_version = f"python{PYTHON}"


class _Services:
    """Service principals, which are the same in every partition."""

    def service_principal(self, service: str) -> str:
        return f"{service}.amazonaws.com"


class _Packed:
    """Says where the package will lie, and makes none: ``generator.packaging`` does."""

    def create_deployment_package(self, *_: object) -> str:
        return CODE


def template(app: Chalice, partition: str = "aws", architecture: str = "arm64") -> Tree:
    """The whole template. Raises Unready with every function that lacks an entry."""
    config, policies = read_config(), read_policies()
    ready(functions(app), config, policies)
    made = _chalices(app, {**config, "lambda_architecture": architecture}, policies)
    http_api.instead(made, app.routes)
    whole: Tree = TemplateDeepMerger().merge(load(INFRA / "resources.yaml"), made)
    if partition == "aws-cn":
        whole = chinese(whole, load(INFRA / "china.yaml"))
    else:
        code = (INFRA / "rewrite.js").read_text("utf-8")
        whole["Resources"]["Rewrite"]["Properties"]["FunctionCode"] = code
    _finish(whole, architecture)
    return whole


def functions(app: Chalice) -> list[str]:
    """Every function that the app is made of, by the names that Chalice gives them."""
    made: list[Any] = [*app.pure_lambda_functions, *app.event_sources]
    return [API, *(each.name for each in made)]


def ready(names: list[str], config: Mapping[str, Any], policies: Mapping[str, Any]) -> None:
    """Raises Unready where a function lacks an entry, or an entry a function."""
    needed = ("lambda_memory_size", "lambda_timeout")
    said = config["lambda_functions"]
    problems = [
        f"{name}: functions/.chalice/config.json names no {key}"
        for name in names
        for key in needed
        if key not in said.get(name, {})
    ]
    problems += [
        f"{name}: infra/policies.yaml has no policy" for name in names if name not in policies
    ]
    problems += [
        f"{name}: there is no such function in functions/app.py"
        for name in sorted({*said, *policies} - {*names})
    ]
    if problems:
        raise Unready("functions and what is said of them differ:\n  " + "\n  ".join(problems))


def read_config() -> Tree:
    found: Tree = msgspec.json.decode(CHALICE.read_bytes())
    return found


def read_policies() -> dict[str, list[Tree]]:
    """Statements by function."""
    return {name: says for name, says in load(INFRA / "policies.yaml").items() if name != "shared"}


def load(path: Path) -> Tree:
    """YAML with CloudFormation's short forms, as the long ones."""
    found: Tree = yaml.load(path.read_text("utf-8"), _Loader)  # noqa: S506  (a SafeLoader)
    return found


class _Loader(yaml.SafeLoader):
    """Knows ``!Ref`` and its like."""


def _long(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> Tree:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _long)


def _chalices(app: Chalice, config: Tree, policies: Mapping[str, list[Tree]]) -> Tree:
    """What Chalice makes of the app: functions, their roles and events, an API."""
    config = copy.deepcopy(config)
    with TemporaryDirectory() as folder:
        place = Path(folder, ".chalice")
        place.mkdir()
        for name, each in config["lambda_functions"].items():
            each["iam_policy_file"] = f"{name}.json"
            document = {"Version": "2012-10-17", "Statement": policies[name]}
            (place / f"{name}.json").write_bytes(msgspec.json.encode(document))
        ours = _Ours(
            chalice_stage="prod",
            user_provided_params={"chalice_app": app, "project_dir": folder},
            config_from_disk=config,
            default_params={"autogen_policy": False},
        )
        packed: Any = _Packed()
        services: Any = _Services()
        never: Any = None  # no policy is made from code
        steps = [
            InjectDefaults(),
            DeploymentPackager(packager=packed),
            PolicyGenerator(policy_gen=never, osutils=OSUtils()),
            SwaggerBuilder(swagger_generator=CFNSwaggerGenerator()),
            LambdaEventSourcePolicyInjector(),
        ]
        builder = ResourceBuilder(ApplicationGraphBuilder(), DependencyBuilder(), BuildStage(steps))
        resources = builder.construct_resources(ours, "prod")
        made: Tree = SAMTemplateGenerator(ours, services).generate(resources)
        return made


def _finish(whole: Tree, architecture: str) -> None:
    """What every function has, and the layer that some share."""
    resources = whole["Resources"]
    for name, made in [*resources.items()]:
        if made.get("Type") != "AWS::Serverless::Function":
            continue
        said = made["Properties"]
        said["Layers"] = [{"Ref": layer} for layer in said.pop("Layers", [])]
        said["LoggingConfig"] = {"LogGroup": {"Ref": f"{name}Log"}}
        said.pop("Tags", None)
        _of_the_stack(said)
        resources[f"{name}Log"] = {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": {"Fn::Sub": f"/echoform/${{AWS::StackName}}/{name}"},
                "RetentionInDays": {"Ref": "LogDays"},
            },
        }
        role = resources[said["Role"]["Fn::GetAtt"][0]]
        role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"] += [
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": {"Fn::GetAtt": [f"{name}Log", "Arn"]},
            },
            {"Fn::If": ["WithKey", _USES_KEY, {"Ref": "AWS::NoValue"}]},
        ]
    resources["Computing"] = {
        "Type": "AWS::Serverless::LayerVersion",
        "Properties": {
            "ContentUri": LAYER,
            "Description": "Arrow, DuckDB and sqlglot, for the functions that count",
            "CompatibleRuntimes": [f"python{PYTHON}"],
            "CompatibleArchitectures": [architecture],
            "RetentionPolicy": "Delete",
        },
    }


def _of_the_stack(said: Tree) -> None:
    """Chalice knows queues by name, and ours are the stack's; places are kept where it says so."""
    for event in said.get("Events", {}).values():
        if event["Type"] == "SQS":
            queue = event["Properties"]["Queue"]["Fn::Sub"].rpartition(":")[2]
            event["Properties"]["Queue"] = {"Fn::GetAtt": [queue, "Arn"]}
    if places := said.get("ReservedConcurrentExecutions"):
        nothing = {"Ref": "AWS::NoValue"}
        said["ReservedConcurrentExecutions"] = {"Fn::If": ["Reserves", places, nothing]}


_USES_KEY = {
    "Effect": "Allow",
    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
    "Resource": {"Fn::GetAtt": ["DataKey", "Arn"]},
}


def chinese(whole: Tree, otherwise: Tree) -> Tree:
    """The same template for AWS China."""
    whole = copy.deepcopy(whole)
    for kind, names in otherwise["remove"].items():
        for name in names:
            del whole[kind][name]
    whole["Parameters"] |= otherwise["parameters"]
    front = whole["Resources"]["Front"]["Properties"]["DistributionConfig"]
    for behaviour in (front["DefaultCacheBehavior"], *front["CacheBehaviors"]):
        behaviour.pop("FunctionAssociations", None)
    front["ViewerCertificate"] = otherwise["certificate"]
    site = next(origin for origin in front["Origins"] if origin["Id"] == "site")
    del site["OriginAccessControlId"]
    site |= otherwise["origin"]
    whole["Resources"]["SiteAccess"] = otherwise["identity"]
    document = whole["Resources"]["SitePolicy"]["Properties"]["PolicyDocument"]
    for statement in document["Statement"]:
        if statement["Effect"] == "Allow":
            statement["Principal"] = otherwise["reader"]
            del statement["Condition"]
    if not any(whole["Rules"].values()):
        del whole["Rules"]
    found: Tree = changed(whole, _with_domain)
    return found


def _with_domain(tree: Tree) -> Any:
    """There is always a domain of one's own."""
    said = tree.get("Fn::If")
    return said[1] if said and said[0] == "OwnDomain" else tree


def changed(tree: Any, change: Callable[[Tree], Any]) -> Any:
    """The tree with every mapping of it changed, outermost first."""
    if isinstance(tree, dict):
        found = change(tree)
        if found is not tree:
            return changed(found, change)
        return {name: changed(value, change) for name, value in tree.items()}
    return [changed(each, change) for each in tree] if isinstance(tree, list) else tree


def logical(function: str) -> str:
    """What a function of the app is called in the template."""
    return _NAMED.get(function) or str(to_cfn_resource_name(function))


def referred(tree: Any) -> Iterator[str]:
    """Names that anything in the tree refers to."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name == "Ref":
                yield value.split(".")[0]
            elif name == "Fn::GetAtt":
                yield value[0]
            elif name == "Fn::Sub":
                text, more = (value, {}) if isinstance(value, str) else value
                found = re.findall(r"\$\{([A-Za-z0-9]+)(?:\.[A-Za-z.]+)?\}", text)
                yield from (each for each in found if each not in more)
                yield from referred(more)
            else:
                yield from referred(value)
    elif isinstance(tree, list):
        for each in tree:
            yield from referred(each)
