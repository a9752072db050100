"""The bucket of packages: one for an account and region, made when the first stage is deployed.

It is no stack: it must be there before any stack, and holds nothing that could not be made again.
Packages lie by their hash, so what is there is not sent again. Beside them stands what was deployed
where and when, and what a stage left behind when it was destroyed.

::

    packages/<sha256>.zip                    templates/<sha256>.json
    stages/<stage>/deployed/<moment>.json    stages/<stage>/left.json, set-aside/<moment>.json
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from chalicelib.survey import EchoformError
from generator.account import Account
from generator.template import Tree

KEPT = 10
"""Deployments of a stage whose packages are kept."""
_AT = "%Y%m%dT%H%M%S%fZ"
UNDER_WAY = timedelta(days=1)
"""A package that no record names may be of a deployment that is not over."""
_PLACES = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
}
"""Where a template names a package, by kinds of resources."""


class NotOurs(EchoformError):
    """Somebody else has a bucket of this name."""


class Deployment(Struct, frozen=True):
    """What a stage was made to be, and when."""

    at: str
    template: str
    """Its key here."""
    packages: list[str]
    by: str

    @property
    def when(self) -> str:
        return datetime.strptime(self.at, _AT).strftime("%Y-%m-%d %H:%M UTC")


class Kept(Struct, frozen=True):
    """What outlived its stack."""

    kind: str
    id: str


class Depot:
    """The bucket, as far as deploying needs it."""

    def __init__(self, s3: Any, account: Account) -> None:
        self._s3, self.account = s3, account
        self.bucket = f"echoform-packages-{account.id}-{account.region}"
        self._ours = {"Bucket": self.bucket, "ExpectedBucketOwner": account.id}

    def open(self) -> bool:
        """Make the bucket if it is not there; whether it was made. Raises NotOurs."""
        errors = self._s3.exceptions
        try:
            self._s3.head_bucket(**self._ours)
            return False
        except errors.ClientError as error:
            if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
                raise NotOurs(
                    f"{self.bucket} cannot be used: it is another account's, or it is denied you"
                    f" ({error.response['Error']['Code']})"
                ) from None
        region = self.account.region
        where = {} if region == "us-east-1" else {"LocationConstraint": region}
        more = {"CreateBucketConfiguration": where} if where else {}
        self._s3.create_bucket(Bucket=self.bucket, **more)
        closed = (
            "BlockPublicAcls",
            "IgnorePublicAcls",
            "BlockPublicPolicy",
            "RestrictPublicBuckets",
        )
        self._s3.put_public_access_block(
            **self._ours, PublicAccessBlockConfiguration=dict.fromkeys(closed, True)
        )
        encrypted = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        self._s3.put_bucket_encryption(
            **self._ours, ServerSideEncryptionConfiguration={"Rules": [encrypted]}
        )
        self._s3.put_bucket_policy(**self._ours, Policy=_json(self._policy()).decode())
        cut_off = {
            "ID": "CutOff",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }
        self._s3.put_bucket_lifecycle_configuration(
            **self._ours, LifecycleConfiguration={"Rules": [cut_off]}
        )
        return True

    def bring(self, template: Tree, built: Path, say: Callable[[str], object]) -> Tree:
        """Send the packages that are not here; the template that names them here."""
        placed = copy.deepcopy(template)
        sent: dict[str, str] = {}
        for each in placed["Resources"].values():
            place = _PLACES.get(each["Type"])
            if place:
                name = each["Properties"][place]
                if name not in sent:
                    sent[name] = self._send(built / name, say)
                each["Properties"][place] = f"s3://{self.bucket}/{sent[name]}"
        return placed

    def keep(self, template: Tree) -> str:
        """Keep a template here; its key."""
        data = _json(template)
        key = f"templates/{sha256(data).hexdigest()}.json"
        self._put(key, data)
        return key

    def url(self, key: str) -> str:
        """Where CloudFormation finds a template, in the form of AWS's own command line."""
        return f"https://s3.{self.account.region}.{self.account.suffix}/{self.bucket}/{key}"

    def template(self, key: str) -> Tree:
        found: Tree = msgspec.json.decode(self._get(key))
        return found

    def note(self, stage: str, key: str, template: Tree) -> None:
        """Put on record what a stage is now, and remove packages that no record names any more."""
        known = [*self._deployments(f"stages/{stage}/deployed/")]
        if known and known[-1].template == key:
            return
        at, now = _moment(), datetime.now(UTC)
        done = Deployment(at, key, sorted(packages(template)), self.account.by)
        self._put(f"stages/{stage}/deployed/{at}.json", _json(done))
        for old in self._keys(f"stages/{stage}/deployed/")[:-KEPT]:
            self._drop(old)
        wanted = set()
        for each in self._deployments("stages/"):
            wanted |= {each.template, *each.packages}
        for prefix in ("packages/", "templates/"):
            for key, sent in self._listed(prefix):
                if key not in wanted and now - sent > UNDER_WAY:
                    self._drop(key)

    def before(self, stage: str) -> Deployment | None:
        """The last deployment of a stage that was another than it is now."""
        done = [*self._deployments(f"stages/{stage}/deployed/")]
        return next((d for d in reversed(done) if d.template != done[-1].template), None)

    def leave(self, stage: str, left: dict[str, Kept]) -> None:
        """Put on record what outlives the stack: by its name in the template."""
        self._put(f"stages/{stage}/left.json", _json(left))

    def left(self, stage: str) -> dict[str, Kept]:
        key = f"stages/{stage}/left.json"
        if key not in self._keys(key):
            return {}
        return msgspec.json.decode(self._get(key), type=dict[str, Kept])

    def taken(self, stage: str) -> None:
        """What was left belongs to a stack again."""
        self._drop(f"stages/{stage}/left.json")

    def set_aside(self, stage: str) -> None:
        """What was left is not taken up; where it is stays on record."""
        if left := self.left(stage):
            self._put(f"stages/{stage}/set-aside/{_moment()}.json", _json(left))
            self.taken(stage)

    def _send(self, path: Path, say: Callable[[str], object]) -> str:
        data = path.read_bytes()
        key = f"packages/{sha256(data).hexdigest()}.zip"
        if key in self._keys(key):
            say(f"{path.name} is there already")
        else:
            say(f"{path.name}, {len(data) / (1 << 20):.1f} MB, is sent to {self.bucket}")
            # Not at once: a slow line must not begin 50 MB again at every hiccup.
            self._s3.upload_file(str(path), self.bucket, key)
        return key

    def _deployments(self, prefix: str) -> Iterator[Deployment]:
        for key in self._keys(prefix):
            if "/deployed/" in key:
                yield msgspec.json.decode(self._get(key), type=Deployment)

    def _keys(self, prefix: str) -> list[str]:
        return [key for key, _ in self._listed(prefix)]

    def _listed(self, prefix: str) -> list[tuple[str, datetime]]:
        """Keys in order, and when each was put."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(**self._ours, Prefix=prefix)
        found = (each for page in pages for each in page.get("Contents", []))
        return sorted((each["Key"], each["LastModified"]) for each in found)

    def _get(self, key: str) -> bytes:
        data: bytes = self._s3.get_object(**self._ours, Key=key)["Body"].read()
        return data

    def _put(self, key: str, data: bytes) -> None:
        self._s3.put_object(**self._ours, Key=key, Body=data)

    def _drop(self, key: str) -> None:
        self._s3.delete_object(**self._ours, Key=key)

    def _policy(self) -> Tree:
        arn = f"arn:{self.account.partition}:s3:::{self.bucket}"
        only_tls = {
            "Sid": "OnlyTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        return {"Version": "2012-10-17", "Statement": [only_tls]}


def packages(template: Tree) -> set[str]:
    """Keys of the packages that a template names."""
    found = set()
    for each in template["Resources"].values():
        if place := _PLACES.get(each["Type"]):
            found.add(each["Properties"][place].split("/", 3)[3])
    return found


def _moment() -> str:
    return datetime.now(UTC).strftime(_AT)


def _json(value: object) -> bytes:
    return msgspec.json.encode(value, order="deterministic")
