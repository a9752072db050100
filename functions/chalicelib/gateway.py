"""Requests as API Gateway hands them over: in the form that Chalice reads, and by the right way.

That form is REST's, which is also format 1.0 of an HTTP API. Ours hands over format 2.0: it is
shorter, and the only one that stand-ins know, so that what is rehearsed is what runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qs

from chalice.app import Chalice

ORIGIN = "x-echoform-origin"
"""The header in which CloudFront says the word; it replaces what a sender claims in it."""
_NOTHING = {
    "multiValueQueryStringParameters": None,
    "pathParameters": None,
    "stageVariables": None,
    "body": None,
}


class App(Chalice):
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


def came_by_the_site(headers: Mapping[str, str], origin: bytes) -> bool:
    """Whether it says the word that CloudFront alone knows, if there is one at all."""
    said = headers.get(ORIGIN, "").encode("utf-8", "replace")
    return not origin or compare_digest(said, origin)
