"""Our signature of an S3 POST policy is botocore's, and an S3 server takes it."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.config import Config

from chalicelib.presigning import Credentials, NoCredentials, address, presigned, signature
from tests.stores import BUCKET

KEY = "uploads/small/2026-05-17/0123/photo"
EXACT = {"key": KEY, "Content-Type": "image/png", "Content-Disposition": "attachment"}
ENVIRON = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "a session",
    "AWS_REGION": "eu-west-1",
}


def botocores(region: str = "eu-west-1") -> dict[str, dict[str, str]]:
    client = boto3.client(
        "s3",
        region_name=region,
        aws_access_key_id=ENVIRON["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ENVIRON["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=ENVIRON["AWS_SESSION_TOKEN"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}),
    )
    fixed = {name: value for name, value in EXACT.items() if name != "key"}
    conditions = [["content-length-range", 1, 99], *({n: v} for n, v in fixed.items())]
    made: dict[str, dict[str, str]] = client.generate_presigned_post(
        "answers", KEY, Fields=fixed, Conditions=conditions, ExpiresIn=900
    )
    return made


def moment(date: str) -> int:
    return int(datetime.strptime(f"{date}+0000", "%Y%m%dT%H%M%SZ%z").timestamp()) * 1000


def test_it_signs_as_botocore_does() -> None:
    theirs = botocores()["fields"]
    credentials = Credentials.read(ENVIRON)
    ours = presigned(credentials, "answers", EXACT, 99, moment(theirs["x-amz-date"]), 900)
    assert ours.keys() == theirs.keys()
    own = {"policy", "x-amz-signature"}
    assert {n: v for n, v in ours.items() if n not in own} == {
        n: v for n, v in theirs.items() if n not in own
    }
    policies = [json.loads(b64decode(fields["policy"])) for fields in (ours, theirs)]
    said = [sorted(map(str, policy["conditions"])) for policy in policies]
    assert said[0] == said[1]
    ends = [datetime.fromisoformat(policy["expiration"]) for policy in policies]
    assert abs(ends[0] - ends[1]) <= timedelta(seconds=1)
    scope = theirs["x-amz-credential"].split("/")[1:]
    for fields in (ours, theirs):
        mac = signature(credentials.secret, scope, fields["policy"])
        assert mac == fields["x-amz-signature"]


@pytest.mark.parametrize("region", ["eu-west-1", "ap-southeast-1", "cn-north-1"])
def test_it_posts_where_botocore_does(region: str) -> None:
    assert address("answers", region) == botocores(region)["url"]


def test_without_credentials_it_says_which() -> None:
    with pytest.raises(NoCredentials, match="AWS_SECRET_ACCESS_KEY"):
        Credentials.read({"AWS_ACCESS_KEY_ID": "x"})


def post(url: str, fields: dict[str, str], file: bytes) -> int:
    parts = [
        f'--xx\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = b'--xx\r\nContent-Disposition: form-data; name="file"; filename="a.html"\r\n\r\n'
    body = b"".join([*parts, head, file, b"\r\n--xx--\r\n"])
    kind = {"Content-Type": "multipart/form-data; boundary=xx"}
    try:
        with urlopen(Request(url, body, kind)) as reply:
            return int(reply.status)
    except HTTPError as refused:
        return refused.code


def test_an_s3_server_stores_it_and_never_shows_it(s3_endpoint: str) -> None:
    """moto keeps what was posted; which conditions a signature covers is what S3 itself judges."""
    credentials = Credentials("testing", "testing", "", "us-east-1")
    now = int(datetime.now(UTC).timestamp() * 1000)
    url = address(BUCKET, "us-east-1", s3_endpoint)
    fields = presigned(credentials, BUCKET, EXACT, 99, now, 900)
    assert post(url, fields, b"x" * 99) == 204
    stored = boto3.client("s3", endpoint_url=s3_endpoint).get_object(Bucket=BUCKET, Key=KEY)
    assert stored["Body"].read() == b"x" * 99
    assert stored["ContentType"] == "image/png"
