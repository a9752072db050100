"""An S3 POST policy, signed: leave to put one object, of one name and kind and a bounded size.

obstore signs GET and PUT, which cannot bound a size; boto3, which signs this, costs a cold start
237 ms. It is four HMACs, and a test holds them to botocore's own.
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import reduce

import msgspec
from msgspec import Struct

from .survey import EchoformError


class NoCredentials(EchoformError):
    """The environment has nothing to sign with."""


class Credentials(Struct, frozen=True):
    """Whose leave it is. On Lambda the environment always has them."""

    name: str
    secret: str
    session: str
    region: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Credentials:
        """Raises NoCredentials."""
        try:
            return cls(
                environ["AWS_ACCESS_KEY_ID"],
                environ["AWS_SECRET_ACCESS_KEY"],
                environ.get("AWS_SESSION_TOKEN", ""),
                environ.get("AWS_REGION") or environ["AWS_DEFAULT_REGION"],
            )
        except KeyError as missing:
            raise NoCredentials(
                f"{missing.args[0]} is not set, so no upload can be signed"
            ) from None


def address(bucket: str, region: str, endpoint: str | None = None) -> str:
    """Where a bucket takes posts. ``endpoint`` is for S3 servers other than AWS."""
    if endpoint:
        return f"{endpoint.rstrip('/')}/{bucket}"
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{bucket}.s3.{region}.{suffix}/"


def presigned(
    credentials: Credentials,
    bucket: str,
    exact: Mapping[str, str],
    largest: int,
    now: int,
    seconds: int,
) -> dict[str, str]:
    """The fields of a form that S3 takes from now on for so many seconds.

    ``exact`` are fields that must be as they are, ``key`` among them.
    """
    date = f"{datetime.fromtimestamp(now / 1000, UTC):%Y%m%dT%H%M%SZ}"
    scope = [date[:8], credentials.region, "s3", "aws4_request"]
    fixed = {
        **exact,
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": "/".join([credentials.name, *scope]),
        "x-amz-date": date,
    }
    if credentials.session:
        fixed["x-amz-security-token"] = credentials.session
    ends = datetime.fromtimestamp(now // 1000 + seconds, UTC)
    policy = {
        "expiration": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
        "conditions": [
            {"bucket": bucket},
            ["content-length-range", 1, largest],
            *({name: value} for name, value in fixed.items()),
        ],
    }
    text = b64encode(msgspec.json.encode(policy)).decode()
    signed = {"policy": text, "x-amz-signature": signature(credentials.secret, scope, text)}
    return {**fixed, **signed}


def signature(secret: str, scope: list[str], text: str) -> str:
    """Signature Version 4 of a text, under the day, region and service of a scope."""
    key = reduce(_mac, scope, f"AWS4{secret}".encode())
    return _mac(key, text).hex()


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
