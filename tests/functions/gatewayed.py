"""Requests as an HTTP API of API Gateway hands them to a function, in both formats.

The fields are those that AWS documents, with the nulls and the absences that it really sends: a
stage in the path, every header's name in lower case, no body as null (1.0) or not at all (2.0), and
forms in base64, for only text, JSON, XML and JavaScript count as text.
"""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qs

_TEXT = ("text/", "application/json", "application/xml", "application/javascript")
_WHEN = {"requestTime": "22/Nov/2026:05:30:00 +0000", "requestTimeEpoch": 1795325400000}
_HOST = {"domainName": "a1b2.execute-api.us-east-1.amazonaws.com", "domainPrefix": "a1b2"}
_NOBODY = {
    "accessKey": None, "accountId": None, "caller": None, "cognitoAmr": None,
    "cognitoAuthenticationProvider": None, "cognitoAuthenticationType": None,
    "cognitoIdentityId": None, "cognitoIdentityPoolId": None, "principalOrgId": None,
    "sourceIp": "192.0.2.1", "user": None, "userAgent": "Amazon CloudFront", "userArn": None,
}  # fmt: skip


def first(
    method: str,
    route: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    query: str = "",
    **named: str,
) -> dict[str, Any]:
    """Format 1.0."""
    path = "/api" + route.format(**named)
    sent = {"host": _HOST["domainName"], **(headers or {})}
    queries = parse_qs(query, keep_blank_values=True)
    text, encoded = _encoded(body, sent)
    return {
        "version": "1.0",
        "resource": route,
        "path": path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": {name: found[-1] for name, found in queries.items()} or None,
        "multiValueQueryStringParameters": queries or None,
        "requestContext": {
            "accountId": "123456789012", "apiId": "a1b2", **_HOST, "extendedRequestId": "r=",
            "httpMethod": method, "identity": _NOBODY, "path": path, "protocol": "HTTP/1.1",
            "requestId": "r=", **_WHEN, "resourceId": f"{method} {route}",
            "resourcePath": route, "stage": "api",
        },
        "pathParameters": named or None,
        "stageVariables": None,
        "body": text,
        "isBase64Encoded": encoded,
    }  # fmt: skip


def second(
    method: str,
    route: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    query: str = "",
    **named: str,
) -> dict[str, Any]:
    """Format 2.0, where what is missing is not null but absent."""
    path = "/api" + route.format(**named)
    sent = {"host": _HOST["domainName"], **(headers or {})}
    queries = {k: ",".join(v) for k, v in parse_qs(query, keep_blank_values=True).items()}
    text, encoded = _encoded(body, sent)
    return {
        "version": "2.0",
        "routeKey": f"{method} {route}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": sent,
        **({"queryStringParameters": queries} if queries else {}),
        "requestContext": {
            "accountId": "123456789012", "apiId": "a1b2", **_HOST,
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                "userAgent": "Amazon CloudFront",
            },
            "requestId": "r=", "routeKey": f"{method} {route}", "stage": "api",
            "time": _WHEN["requestTime"], "timeEpoch": _WHEN["requestTimeEpoch"],
        },
        **({"pathParameters": named} if named else {}),
        **({"body": text} if body else {}),
        "isBase64Encoded": encoded,
    }  # fmt: skip


def _encoded(body: bytes, headers: dict[str, str]) -> tuple[str | None, bool]:
    if not body:
        return None, False
    if headers.get("content-type", "").startswith(_TEXT):
        return body.decode(), False
    return base64.b64encode(body).decode(), True
