"""The AWS account that commands work in: who asks, where, and what to do when AWS says no.

boto3 finds credentials in many places, obstore in the environment alone; so what boto3 found is put
there, and a profile or a single sign-on is enough for both.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
    TokenRetrievalError,
)
from msgspec import Struct

from chalicelib.survey import EchoformError

SERVICES = ("sts", "s3", "cloudformation", "lambda")
"""That deploying and destroying speak to."""
UNRESERVED = 100
"""Of what an account may run at once, AWS lets nobody reserve this much."""

_DENIED = frozenset(
    ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"]
)
_UNKNOWN = frozenset(
    [
        *("InvalidAccessKeyId", "InvalidClientTokenId", "SignatureDoesNotMatch"),
        *("UnrecognizedClientException", "ExpiredToken", "ExpiredTokenException"),
    ]
)
_SIGN_IN = (
    "run `aws configure` or `aws sso login`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and"
    " AWS_SECRET_ACCESS_KEY"
)
_NO_REGION = "no region is set: set AWS_REGION to where the stage is, or is to be, as eu-central-1"


class NoAccount(EchoformError):
    """AWS did not do what was asked, for a reason that somebody has to put right."""


class Account(Struct, frozen=True):
    """Where a stage is, or is to be."""

    id: str
    region: str
    partition: str
    """``aws`` or ``aws-cn``."""
    by: str
    """ARN of whoever asks."""

    @property
    def suffix(self) -> str:
        return "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"


def session(region: str | None = None) -> Any:
    """A session with credentials and a region. Raises NoAccount, saying which is missing."""
    found: Any
    with worded():
        found = boto3.Session(region_name=region or os.environ.get("AWS_REGION"))
        signed = found.get_credentials()
    if signed is None:
        raise NoAccount(f"no credentials of AWS were found: {_SIGN_IN}")
    if not found.region_name:
        raise NoAccount(_NO_REGION)
    with worded():
        secret = signed.get_frozen_credentials()
    told = {
        "AWS_ACCESS_KEY_ID": secret.access_key,
        "AWS_SECRET_ACCESS_KEY": secret.secret_key,
        "AWS_SESSION_TOKEN": secret.token,
    }
    os.environ |= {name: value for name, value in told.items() if value}
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        os.environ[name] = found.region_name
    return found


def clients(region: str | None = None) -> dict[str, Any]:
    """Clients of the services, and under ``us-east-1`` CloudFormation there, where CloudFront's
    things are made. Raises NoAccount."""
    found = session(region)
    made: dict[str, Any] = {name: found.client(name) for name in SERVICES}
    made["us-east-1"] = found.client("cloudformation", region_name="us-east-1")
    return made


def whose(clients: Mapping[str, Any]) -> Account:
    """The account of the credentials there are. Raises NoAccount."""
    with worded():
        said = clients["sts"].get_caller_identity()
    meta = clients["cloudformation"].meta
    return Account(said["Account"], meta.region_name, meta.partition, said["Arn"])


def has_places(functions: Any, wanted: int, held: int) -> bool:
    """Whether the account may reserve as many as wanted; ``held``: that the stack has already."""
    free = functions.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    return int(free) + held - wanted >= UNRESERVED


@contextmanager
def worded() -> Iterator[None]:
    """What AWS refuses, as NoAccount that says what to do."""
    try:
        yield
    except (NoCredentialsError, TokenRetrievalError) as error:
        raise NoAccount(f"{error}: {_SIGN_IN}") from None
    except NoRegionError:
        raise NoAccount(_NO_REGION) from None
    except ProfileNotFound as error:
        raise NoAccount(f"{error}: `aws configure list-profiles` shows which there are") from None
    except BotoCoreError as error:  # it could not be reached
        raise NoAccount(f"AWS: {error}") from None
    except ClientError as error:
        raise NoAccount(refusal(error)) from None


def refusal(error: ClientError) -> str:
    """What AWS refused, and what to do."""
    told: Any = error.response.get("Error", {})
    code, message = told.get("Code", ""), told.get("Message") or str(error)
    if code in _DENIED:
        return f"AWS does not allow {error.operation_name}: {message}. Ask who runs the account"
    if code in _UNKNOWN:
        return f"AWS does not know these credentials, or they have expired: {_SIGN_IN}"
    return f"AWS: {error.operation_name}: {message}"
