"""Whose account is meant, and whether it can run a stage: asked before anything is made there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from msgspec import Struct

from chalicelib.survey import EchoformError

SERVICES = ("sts", "s3", "cloudformation", "lambda")
"""That deploying and destroying speak to."""
UNRESERVED = 100
"""Of what an account may run at once, AWS lets nobody reserve this much."""


class NoAccount(EchoformError):
    """AWS does not know who asks, or nobody said where."""


class Denied(EchoformError):
    """AWS was asked for something, and did not do it."""


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


def clients(region: str | None = None) -> dict[str, Any]:
    """Clients of the services, and under ``us-east-1`` CloudFormation there, where CloudFront's
    things are made. Raises NoAccount."""
    import boto3
    from botocore.exceptions import NoRegionError, ProfileNotFound

    try:
        session = boto3.Session(region_name=region)
        made: dict[str, Any] = {name: session.client(name) for name in SERVICES}  # type: ignore[call-overload]
        made["us-east-1"] = session.client("cloudformation", region_name="us-east-1")
    except NoRegionError:
        raise NoAccount(
            "no region is named: give --region, such as eu-central-1, or set AWS_REGION"
        ) from None
    except ProfileNotFound as error:
        raise NoAccount(f"{error}: see ~/.aws/config, or unset AWS_PROFILE") from None
    return made


@contextmanager
def worded() -> Iterator[None]:
    """What AWS refuses, and what keeps it from being asked, as an error of ours."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        said = error.response["Error"]
        raise Denied(
            f"AWS refuses {error.operation_name} ({said['Code']}): {said['Message']}\n"
            "Nothing is broken: repeat the command once that is corrected"
        ) from None
    except BotoCoreError as error:
        raise Denied(f"AWS cannot be asked: {error}") from None


def whose(clients: Mapping[str, Any]) -> Account:
    """The account of the credentials there are. Raises NoAccount."""
    from botocore.exceptions import (
        ClientError,
        EndpointConnectionError,
        NoCredentialsError,
        TokenRetrievalError,
    )

    meta = clients["cloudformation"].meta
    try:
        said = clients["sts"].get_caller_identity()
    except (NoCredentialsError, TokenRetrievalError):
        raise NoAccount(
            "there are no credentials of AWS: run `aws sso login` or `aws configure`,"
            " or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ) from None
    except ClientError as error:
        raise NoAccount(
            f"AWS refuses the credentials ({error.response['Error']['Code']}): they have ended or"
            f" are of another partition than {meta.region_name}; log in again"
        ) from None
    except EndpointConnectionError as error:
        raise NoAccount(f"{error}: there is no such region, or no network") from None
    return Account(said["Account"], meta.region_name, meta.partition, said["Arn"])


def has_places(functions: Any, wanted: int, held: int) -> bool:
    """Whether the account may reserve as many as wanted; ``held``: that the stack has already."""
    free = functions.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    return int(free) + held - wanted >= UNRESERVED
