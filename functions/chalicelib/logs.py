"""One line of JSON for every request and every run of a job.

What may stand in a line is named here, and all of it is ours: a route's template, a survey that is
published, an error code, a count. Nothing that anybody typed, no link's code, no address, no header
and no query string is ever handed in.

A line is also CloudWatch's embedded metric format, so on AWS counts are metrics without a call:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from secrets import token_hex
from time import time_ns
from typing import TextIO

import msgspec

NAMESPACE = "Echoform"
METERED: dict[object, frozenset[str]] = {
    None: frozenset(["accepted", "replayed", "refused"]),
    "merge": frozenset(["rejected", "oldest_unmerged_s"]),
}
"""Counts that are metrics, of requests and by job: each costs 0.30 USD a month, so only those that
somebody is told of. The others stand in the lines, where CloudWatch Logs Insights adds them up."""
_LINES = logging.getLogger("echoform.lines")
_LINES.setLevel(logging.INFO)
_LINES.propagate = False
_OUTCOMES = {201: "accepted", 303: "accepted", 200: "replayed"}


def to(stream: TextIO | None) -> None:
    """Where lines go from now on; None is nowhere."""
    _LINES.handlers = [logging.StreamHandler(stream) if stream else logging.NullHandler()]


def request(
    route: str,
    status: int,
    started_ns: int,
    *,
    error: str = "",
    survey: str | None = None,
    size: int = 0,
    channel: str | None = None,
    request_id: str | None = None,
    failure: str | None = None,
) -> None:
    """A request that was answered. ``failure`` is the class of what went wrong inside."""
    outcome = "refused" if error else _OUTCOMES.get(status) if channel else None
    _write(
        {
            "route": route,
            "survey": survey,
            "status": status,
            "error": error or None,
            "ms": round((time_ns() - started_ns) / 1e6, 1),
            "bytes": size,
            "channel": channel,
            "request": request_id or token_hex(8),
            "failure": failure,
        },
        {outcome: 1} if outcome else {},
    )


def job(name: str, started_ns: int, counts: Mapping[str, int], failure: str | None = None) -> None:
    """A run of a job, and what it counted."""
    ms = round((time_ns() - started_ns) / 1e6, 1)
    _write({"job": name, "ms": ms, "failure": failure}, counts)


def _write(facts: Mapping[str, object], metrics: Mapping[str, int]) -> None:
    now = time_ns() // 1_000_000
    said = {name: value for name, value in facts.items() if value is not None}
    line: dict[str, object] = {"time": now, **said, **metrics}
    metered = [name for name in metrics if name in METERED.get(facts.get("job"), ())]
    if metered:
        dimensions = [name for name in ("survey", "error", "job") if name in said]
        named = [{"Name": name, "Unit": _unit(name)} for name in metered]
        found = {"Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": named}
        line["_aws"] = {"Timestamp": now, "CloudWatchMetrics": [found]}
    _LINES.info("%s", msgspec.json.encode(line).decode())


def _unit(metric: str) -> str:
    return "Seconds" if metric.endswith("_s") else "Count"
