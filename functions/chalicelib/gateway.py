"""Requests as API Gateway hands them over, made into the one form that Chalice reads.

That is REST's, which is also format 1.0 of an HTTP API. Ours hands over format 2.0: shorter, and
the only one that stand-ins know, so that what is rehearsed is what runs. Either is understood.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from chalice.app import Chalice

_NOTHING = {
    "multiValueQueryStringParameters": None,
    "pathParameters": None,
    "stageVariables": None,
    "body": None,
}


class Front(Chalice):
    """A Chalice application behind any API of API Gateway, or behind none."""

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        return super().__call__(read(event), context)


def read(event: dict[str, Any]) -> dict[str, Any]:
    """The request in the form of REST."""
    context = event["requestContext"]
    if event.get("version") == "2.0":
        query = parse_qs(event.get("rawQueryString") or "", keep_blank_values=True)
        event = {**event, "multiValueQueryStringParameters": query or None}
        # The path holds the stage, the route's key does not: `POST /responses/{survey}`.
        context = {
            **context,
            "httpMethod": context["http"]["method"],
            "resourcePath": event["routeKey"].rpartition(" ")[2],
        }
    return {
        **_NOTHING,
        **event,
        "headers": event.get("headers") or {},
        "requestContext": {"resourcePath": event.get("resource"), **context},
    }
