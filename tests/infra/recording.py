"""An AWS that writes down what it is asked: moto's server, and the actions behind its requests.

IAM names actions, S3 is asked in HTTP: what a request needs to be allowed is said here once.
"""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from secrets import token_hex
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote

import boto3
from moto.moto_server import threaded_moto_server as moto

import app
from tests.account import CREDENTIALS
from tests.records import table


class Asked(NamedTuple):
    """One action on one resource: an object's key, "" for the bucket, the name of anything else."""

    action: str
    on: str


class Aws:
    """A server of its own, and what it was asked since ``forget``."""

    def __init__(self, endpoint: str, bucket: str, asked: list[Asked]) -> None:
        self.endpoint, self.bucket, self.asked = endpoint, bucket, asked

    def client(self, service: str) -> Any:
        return boto3.client(service, endpoint_url=self.endpoint)  # type: ignore[call-overload]

    def environment(self) -> dict[str, str]:
        return {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": self.endpoint,
            "ECHOFORM_DATA": f"s3://{self.bucket}",
            "ECHOFORM_S3_ENDPOINT": self.endpoint,
            "ECHOFORM_KEY": "secret",
        }


@contextmanager
def recorded() -> Iterator[Aws]:
    """An AWS with one bucket, which keeps versions, and the queue of parts."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    asked: list[Asked] = []
    bucket = f"recorded-{token_hex(8)}"  # all of moto's servers in a process share what they hold

    class Recorder(moto.DomainDispatcherApplication):
        def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
            size = int(environ.get("CONTENT_LENGTH") or 0)
            body = environ["wsgi.input"].read(size) if size else b""
            environ["wsgi.input"] = io.BytesIO(body)
            asked.extend(actions(environ, body, bucket))
            return super().__call__(environ, start_response)

    plain, moto.DomainDispatcherApplication = moto.DomainDispatcherApplication, Recorder  # type: ignore[misc]
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    try:
        server.start()
    finally:
        moto.DomainDispatcherApplication = plain  # type: ignore[misc]
    host, port = server.get_host_and_port()
    aws = Aws(f"http://{host}:{port}", bucket, asked)
    try:
        s3 = aws.client("s3")
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        aws.client("sqs").create_queue(QueueName=app.MERGE_QUEUE)
        make_table(aws.client("dynamodb"))
        yield aws
    finally:
        server.stop()


def make_table(dynamodb: Any) -> None:
    """The table of follow-ups, empty: moto's servers in a process share it."""
    made = table()
    with suppress(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.delete_table(TableName=made["TableName"])
    dynamodb.create_table(**made)


_SQS = re.compile(r"AmazonSQS\.(\w+)")
_DYNAMODB = re.compile(r"DynamoDB_[0-9]+\.(\w+)")
_INVOKED = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
_BATCHES = {"SendMessageBatch": "SendMessage", "DeleteMessageBatch": "DeleteMessage"}


def actions(environ: dict[str, Any], body: bytes, ours: str) -> Iterable[Asked]:
    """What IAM is asked for a request."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if found := _SQS.search(target):
        return [Asked("sqs:" + _BATCHES.get(found[1], found[1]), app.MERGE_QUEUE)]
    if found := _DYNAMODB.search(target):
        return _of_table(found[1], json.loads(body))
    if found := _INVOKED.fullmatch(environ["PATH_INFO"]):
        return [Asked("lambda:InvokeFunction", found[1])]
    method = environ["REQUEST_METHOD"]
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    bucket, _, key = unquote(environ["PATH_INFO"]).lstrip("/").partition("/")
    if bucket != ours:
        return [Asked(f"?:{method}", bucket)]
    if "delete" in query:
        named = re.findall(rb"<Object>(.*?)</Object>", body, re.DOTALL)
        return [
            Asked(
                "s3:DeleteObjectVersion" if b"<VersionId>" in each else "s3:DeleteObject",
                re.search(rb"<Key>(.*?)</Key>", each)[1].decode(),  # type: ignore[index]
            )
            for each in named
        ]
    if not key:
        for word, action in _OF_BUCKETS.items():
            if word in query:
                return [Asked(action, "")]
    return [Asked(_OF_OBJECTS[method], key)]


def _of_table(operation: str, said: dict[str, Any]) -> list[Asked]:
    """A transaction is asked for as what it consists of; an index stands under its table."""
    if operation == "TransactWriteItems":
        parts = [[*each.items()] for each in said["TransactItems"]]
        names = {"ConditionCheck": "ConditionCheckItem", "Put": "PutItem", "Update": "UpdateItem"}
        return [Asked(f"dynamodb:{names[kind]}", told["TableName"]) for [(kind, told)] in parts]
    index = f"/index/{said['IndexName']}" if "IndexName" in said else ""
    return [Asked(f"dynamodb:{operation}", said["TableName"] + index)]


_OF_BUCKETS = {
    "list-type": "s3:ListBucket",
    "versions": "s3:ListBucketVersions",
    "versioning": "s3:GetBucketVersioning",
}
_OF_OBJECTS = {
    "GET": "s3:GetObject",
    "HEAD": "s3:GetObject",
    "PUT": "s3:PutObject",
    "POST": "s3:PutObject",
    "DELETE": "s3:DeleteObject",
}
