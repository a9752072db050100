"""The Chalice application: what runs on Lambda, and behind ``echoform serve``.

Every function loads this module, so it stays light: each handler is a few lines, and a scheduled
one loads its job when it runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from time import time_ns
from typing import Any

from chalice import Rate, Response
from chalice.app import CloudWatchEvent, Request, SQSEvent

from chalicelib import logs, uploading
from chalicelib.breaking_off import break_off
from chalicelib.collecting import Reply, collect, refusal
from chalicelib.gateway import App, came_by_the_site
from chalicelib.invitations import opting_out, service_events
from chalicelib.linking import standing_of
from chalicelib.published import Definitions
from chalicelib.running import now, run_job, run_notices, run_part
from chalicelib.settings import Settings
from chalicelib.site import read_site
from chalicelib.storage import Store, open_store
from chalicelib.survey import Refused

MERGE_QUEUE = "MergeQueue"
NOTICES_QUEUE = "NoticesQueue"
"""The queues, as infra/resources.yaml calls them; CloudFormation gives them their names."""

STAFF = {
    "/staff/me": ["GET"],
    "/staff/follow-ups": ["GET"],
    "/staff/follow-ups/{id}": ["GET", "POST"],
    "/staff/follow-ups/{id}/contact": ["POST"],
    "/staff/bulk": ["POST"],
    "/staff/team": ["GET"],
    "/staff/feedback": ["GET"],
    "/staff/actions": ["GET", "POST"],
    "/staff/actions/suggested": ["GET"],
    "/staff/actions/{id}": ["GET", "POST"],
}
"""The routes of staff, and what each takes: ``chalicelib.staff.api`` handles these and no other."""

app = App(app_name="echoform")
logs.to(sys.stdout)


@cache
def settings() -> Settings:
    return Settings.read(os.environ)


@cache
def store() -> Store:
    return open_store(settings().data, settings().endpoint)


@cache
def definitions() -> Definitions:
    return Definitions(store())


@cache
def way() -> uploading.Way:
    return uploading.way(store(), settings().key, os.environ)


@cache
def desk() -> Any:
    from chalicelib.staff import api

    return api.open_desk(settings(), store(), os.environ)


@app.middleware("http")
def refuse(event: Request, get_response: Callable[[Request], Response]) -> Response:
    """Whoever goes round the site, before anything is read; and in our own form what Chalice
    refuses by itself, a method that a route does not have."""
    if event.path != "/health" and not came_by_the_site(event.headers, settings().origin):
        reply = refusal(Refused("forbidden"))
        logs.request(event.path, reply.status, time_ns(), error=reply.error)
        return _response(reply)
    response = get_response(event)
    if response.status_code == 405:
        reply = refusal(Refused("not_allowed"))
        return _response(reply, response.headers)
    return response


@app.route("/health", methods=["GET"])
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.route("/responses/{survey}", methods=["POST"], content_types=["*/*"])
def responses(survey: str) -> Response:
    return _answered(
        lambda request: collect(
            store(), definitions(), survey, request.headers, _body(request), now()
        ),
        survey,
        channel="web",
    )


@app.route("/links", methods=["POST"], content_types=["*/*"])
def links() -> Response:
    return _answered(lambda request: standing_of(store(), definitions(), _body(request), now()))


@app.route("/optouts", methods=["GET"])
def opt_out_page() -> Response:
    return _answered(lambda request: opting_out.shown(request.headers))


@app.route("/optouts", methods=["POST"], content_types=["*/*"])
def opt_out() -> Response:
    return _answered(
        lambda request: opting_out.opted_out(
            store(), definitions(), _code(request), request.headers, now()
        )
    )


@app.route("/events/service-completed", methods=["POST"], content_types=["*/*"])
def service_completed() -> Response:
    return _answered(
        lambda request: service_events.completed(
            store(),
            settings().key,
            settings().events,
            read_site(store()).service_events,
            definitions(),
            request.headers,
            _body(request),
            now(),
        )
    )


@app.route("/break-offs/{survey}", methods=["POST"], content_types=["*/*"])
def break_offs(survey: str) -> Response:
    return _answered(
        lambda request: break_off(store(), definitions(), survey, _body(request), now()), survey
    )


@app.route("/uploads/{survey}", methods=["POST"], content_types=["*/*"])
def uploads(survey: str) -> Response:
    return _answered(
        lambda request: uploading.leave(definitions(), way(), survey, _body(request), now()),
        survey,
    )


def staff(**named: str) -> Response:
    """Any route of staff's. What answers them is loaded when the first asks: customers never wait
    for it."""
    from chalicelib.staff import api

    return _answered(lambda request: api.answer(desk(), api.asked(request, named), now()))


for _route, _methods in STAFF.items():
    app.route(_route, methods=_methods, content_types=["*/*"])(staff)


@app.lambda_function(name="read")
def read(event: Any, context: object) -> Any:
    """What staff read of answers and contacts, for the API where that may not read them itself."""
    from chalicelib.staff import reader

    return reader.answer(reader.here(store()), event)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def merge(event: CloudWatchEvent) -> dict[str, int]:
    return run_job("merge", settings(), store(), lambda: _seconds_left(event))


@app.schedule(Rate(1, unit=Rate.MINUTES))
def invite(event: CloudWatchEvent) -> dict[str, int]:
    return run_job("invite", settings(), store(), lambda: _seconds_left(event))


@app.on_sqs_message(queue=MERGE_QUEUE, batch_size=1)
def merge_part(event: SQSEvent) -> None:
    for message in event:
        run_part(settings(), store(), lambda: _seconds_left(event), message.body)


@app.on_sqs_message(queue=NOTICES_QUEUE, batch_size=10)
def notices(event: SQSEvent) -> None:
    run_notices(settings(), store(), [message.body for message in event])


@app.schedule(Rate(1, unit=Rate.MINUTES))
def follow_up(event: CloudWatchEvent) -> dict[str, int]:
    return run_job("follow_up", settings(), store())


@app.schedule(Rate(1, unit=Rate.MINUTES))
def escalate(event: CloudWatchEvent) -> dict[str, int]:
    return run_job("escalate", settings(), store(), lambda: _seconds_left(event))


@app.schedule(Rate(5, unit=Rate.MINUTES))
def follow_up_tables(event: CloudWatchEvent) -> dict[str, int]:
    return run_job("follow_up_tables", settings(), store(), lambda: _seconds_left(event))


@app.schedule(Rate(5, unit=Rate.MINUTES))
def tally(event: CloudWatchEvent) -> dict[str, int]:
    return run_job("tally", settings(), store(), lambda: _seconds_left(event))


@app.schedule(Rate(1, unit=Rate.DAYS))
def purge(event: CloudWatchEvent) -> dict[str, int]:
    return run_job("purge", settings(), store())


@app.schedule(Rate(1, unit=Rate.DAYS))
def judge(event: CloudWatchEvent) -> dict[str, int]:
    return run_job("judge", settings(), store())


@app.schedule(Rate(5, unit=Rate.MINUTES))
def crm(event: CloudWatchEvent) -> dict[str, int]:
    return run_job("crm", settings(), store(), lambda: _seconds_left(event))


def _seconds_left(event: CloudWatchEvent | SQSEvent) -> float:
    """Until Lambda ends this function."""
    context: Any = event.context  # Lambda's own object, whatever Chalice calls it
    return float(context.get_remaining_time_in_millis()) / 1000


def _code(request: Request) -> str:
    """The code that an address ends with, behind its question mark."""
    return next(iter(request.query_params or {}), "")


def _body(request: Request) -> bytes:
    sent = request.raw_body
    assert isinstance(sent, bytes)  # Chalice encodes what came as text
    return sent


def _response(reply: Reply, beside: Mapping[str, str | list[str]] | None = None) -> Response:
    return Response(reply.body.decode(), {**(beside or {}), **reply.headers}, reply.status)


def _answered(
    act: Callable[[Request], Reply], survey: str = "", channel: str | None = None
) -> Response:
    """Answer the request, whatever happens, and log it: the survey only if there is such a one."""
    request = app.current_request
    assert request is not None
    started, failure = time_ns(), None
    try:
        reply = act(request)
    except Exception as error:  # whatever storage does, the page is told to keep and retry
        failure = type(error).__name__
        reply = refusal(Refused("unavailable"))
    known = False
    with suppress(Exception):
        known = definitions().knows(survey)
    logs.request(
        request.context["resourcePath"],
        reply.status,
        started,
        error=reply.error,
        survey=survey if known else None,
        size=len(_body(request)),
        channel=channel,
        request_id=request.context.get("requestId"),
        failure=failure,
    )
    return _response(reply)
