"""The AWS account that commands work in: who asks, where, and what to do when AWS says no.

boto3 finds credentials in many places, obstore in the environment alone; so what boto3 found is put
there, and a profile or a single sign-on is enough for both.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
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

from chalicelib.survey import EchoformError

_DENIED = frozenset(
    ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"]
)
_UNKNOWN = frozenset(
    [
        *("InvalidAccessKeyId", "InvalidClientTokenId", "SignatureDoesNotMatch"),
        *("UnrecognizedClientException", "ExpiredToken", "ExpiredTokenException"),
    ]
)
_SIGN_IN = "run `aws configure` or `aws sso login`, or set AWS_PROFILE"


class NoAccount(EchoformError):
    """AWS did not do what was asked, for a reason that somebody has to put right."""


def session() -> Any:
    """A session with credentials and a region. Raises NoAccount, saying which is missing."""
    found: Any
    with worded():
        found = boto3.Session(region_name=os.environ.get("AWS_REGION"))
        signed = found.get_credentials()
    if signed is None:
        raise NoAccount(f"no credentials of AWS were found: {_SIGN_IN}")
    if not found.region_name:
        raise NoAccount("no region is set: set AWS_REGION to where the stack is, as in eu-west-1")
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


@contextmanager
def worded() -> Iterator[None]:
    """What AWS refuses, as NoAccount that says what to do."""
    try:
        yield
    except (NoCredentialsError, TokenRetrievalError) as error:
        raise NoAccount(f"{error}: {_SIGN_IN}") from None
    except NoRegionError:
        raise NoAccount("no region is set: set AWS_REGION to where the stack is") from None
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
