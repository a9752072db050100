"""The API's front on AWS: an HTTP API with a route for each that the app has, and no other.

Chalice 1.34 knows REST APIs alone, of which a million requests cost 3.50 USD and not 1.00. So what
it makes of one is taken out, and the routes are written down here; the API, its stage and its call
of the function are plain CloudFormation in ``infra/resources.yaml``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_OF_REST = {
    "Resources": ("RestAPI", "APIHandlerInvokePermission"),
    "Outputs": ("RestAPIId", "EndpointURL", "APIHandlerArn", "APIHandlerName"),
}
"""What Chalice's template holds of a REST API, and what it tells of the function, which nobody asks
for."""


def instead(made: dict[str, Any], routes: Mapping[str, Mapping[str, Any]]) -> None:
    """Puts the routes of an HTTP API into Chalice's template in place of the REST API.

    ``routes``: methods by path, as the app has them. No other request reaches the function: what
    has no route is answered by the HTTP API itself.
    """
    for section, names in _OF_REST.items():
        for name in names:
            del made[section][name]
    for path, methods in routes.items():
        for method in methods:
            made["Resources"][_named(method, path)] = {
                "Type": "AWS::ApiGatewayV2::Route",
                "Properties": {
                    "ApiId": {"Ref": "Api"},
                    "RouteKey": f"{method} {path}",
                    "AuthorizationType": "NONE",
                    "Target": {"Fn::Sub": "integrations/${ApiCalls}"},
                },
            }


def _named(method: str, path: str) -> str:
    """``GetStaffActionsId`` of ``GET /staff/actions/{id}``."""
    return "".join(word.capitalize() for word in [method, *re.findall("[A-Za-z0-9]+", path)])
