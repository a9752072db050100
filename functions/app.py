"""The Chalice application: what runs on Lambda, and behind ``echoform serve``.

Every function loads this module, so it stays light: each handler is a few lines, and a scheduled
one loads its job when it runs.
"""

from __future__ import annotations

import logging
import os
from functools import cache

from chalice import Chalice, Rate, Response
from chalice.app import CloudWatchEvent

from chalicelib.collecting import Reply, collect, refusal
from chalicelib.linking import standing_of
from chalicelib.published import Definitions
from chalicelib.running import now, run_job
from chalicelib.settings import Settings
from chalicelib.storage import Store, open_store
from chalicelib.survey import Refused

app = Chalice(app_name="echoform")
log = logging.getLogger("echoform")


@cache
def settings() -> Settings:
    return Settings.read(os.environ)


@cache
def store() -> Store:
    return open_store(settings().data, settings().endpoint)


@cache
def definitions() -> Definitions:
    return Definitions(store())


@app.route("/health", methods=["GET"])
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.route("/responses/{survey}", methods=["POST"], content_types=["*/*"])
def responses(survey: str) -> Response:
    request = app.current_request
    try:
        reply = collect(store(), definitions(), survey, request.headers, request.raw_body, now())
    except Exception as error:  # whatever storage does, the page is told to keep and retry
        log.error("accept failed: %s", type(error).__name__)
        reply = refusal(Refused("unavailable"))
    return _response(reply)


@app.route("/links", methods=["POST"], content_types=["*/*"])
def links() -> Response:
    request = app.current_request
    try:
        reply = standing_of(store(), definitions(), request.raw_body, now())
    except Exception as error:
        log.error("links failed: %s", type(error).__name__)
        reply = refusal(Refused("unavailable"))
    return _response(reply)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def merge(event: CloudWatchEvent) -> dict[str, int]:
    return run_job("merge", settings(), store())


@app.schedule(Rate(5, unit=Rate.MINUTES))
def tally(event: CloudWatchEvent) -> dict[str, int]:
    return run_job("tally", settings(), store())


@app.schedule(Rate(5, unit=Rate.MINUTES))
def sweep(event: CloudWatchEvent) -> dict[str, int]:
    return run_job("sweep", settings(), store())


@app.schedule(Rate(1, unit=Rate.DAYS))
def purge(event: CloudWatchEvent) -> dict[str, int]:
    return run_job("purge", settings(), store())


def _response(reply: Reply) -> Response:
    return Response(reply.body.decode(), reply.headers, reply.status)
