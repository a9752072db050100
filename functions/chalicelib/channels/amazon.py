"""What SES and SNS have in common: a client that never sends twice by itself, and its refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
)

from .port import Unavailable, Undeliverable

ONCE = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"total_max_attempts": 1, "mode": "standard"},
)
"""A request that timed out may have been taken: whoever called decides, and not the client."""
_SERVERS_FAULT = 500


def client(service: str, region: str) -> Any:
    """Raises Unavailable where no region is known."""
    try:
        return boto3.client(service, region_name=region or None, config=ONCE)  # type: ignore[call-overload]
    except NoRegionError:
        raise Unavailable(f"{service}: no AWS region is set") from None


def sent(call: Any, arguments: Mapping[str, Any], never: frozenset[str]) -> str:
    """Make the call; the id it answers with. ``never`` names refusals of the message itself.

    The service's own words may name the customer, so errors carry its code alone.
    """
    try:
        return str(call(**arguments)["MessageId"])
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if error.response["ResponseMetadata"]["HTTPStatusCode"] >= _SERVERS_FAULT:
            raise
        raise (Undeliverable if code in never else Unavailable)(f"AWS refused: {code}") from None
    except (ConnectTimeoutError, EndpointConnectionError, NoCredentialsError) as error:
        raise Unavailable(f"AWS: {type(error).__name__}") from None
