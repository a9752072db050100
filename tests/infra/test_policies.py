"""Each function may do what it really asks for, and little else."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest

import app
from chalicelib.settings import Settings
from chalicelib.storage import S3Store
from generator import template
from generator.places import INFRA
from tests.infra.allowing import Leave, allows, leaves, listed, matches
from tests.infra.recording import Asked, recorded
from tests.infra.rehearsing import REHEARSED, SURVEY
from tests.jobs.answering import KEY, live

POLICIES = template.read_policies()


@pytest.fixture(scope="module")
def rehearsal() -> dict[str, set[Asked]]:
    """What each function asked AWS for."""
    with recorded() as aws, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
        queue = aws.client("sqs").get_queue_url(QueueName=app.MERGE_QUEUE)["QueueUrl"]
        store = S3Store(aws.bucket, "", aws.endpoint)
        settings = Settings(f"s3://{aws.bucket}", aws.endpoint, KEY, merge_queue=queue)
        live(store, SURVEY)
        found = {}
        for name, (prepare, act) in REHEARSED.items():
            prepare(store)
            aws.asked.clear()
            act(settings, store)
            found[name] = {Asked(each.action, _resource(each)) for each in aws.asked}
    return found


def _resource(asked: Asked) -> str:
    """As policies name it."""
    if asked.action.startswith("sqs:"):
        return "MergeQueue"
    if asked.action.startswith("dynamodb:"):
        return asked.on.replace("echoform-follow-ups", "FollowUps")
    if asked.action.startswith("lambda:"):
        return asked.on
    return f"Data/{asked.on}" if asked.on else "Data"


def test_every_function_is_rehearsed() -> None:
    assert {*REHEARSED} == {*template.functions(app.app)}


@pytest.mark.parametrize("function", sorted(POLICIES))
def test_what_it_asks_for_is_allowed(function: str, rehearsal: dict[str, set[Asked]]) -> None:
    refused = {a for a in rehearsal[function] if not allows(POLICIES[function], *a)}
    assert rehearsal[function]
    assert not refused


@pytest.mark.parametrize("function", sorted(POLICIES))
def test_little_else_is_allowed(function: str, rehearsal: dict[str, set[Asked]]) -> None:
    unused = {
        leave
        for leave in leaves(POLICIES[function])
        if not any(matches(leave, *asked) for asked in rehearsal[function])
    }
    assert unused <= UNSEEN.get(function, set())


# Where the parameters of the stack say that Amazon sends; the data's outbox takes all here.
SENDS = {leave for leave in leaves(POLICIES["invite"]) if leave.action.startswith(("ses:", "sns:"))}
UNSEEN: dict[str, set[Leave]] = {
    "api_handler": {
        # Another took the file in that very moment.
        Leave("s3:DeleteObject", "Data/uploads/*/claim.json"),
        # It lists nothing, but S3 says only then that an object is missing, and not "denied".
        Leave("s3:ListBucket", "Data"),
    },
    # Somebody is erased between two steps of a merge.
    "merge": {Leave("s3:DeleteObject", f"Data/{place}/*") for place in ("due", "rejected")},
    "merge_part": {
        *(Leave("s3:DeleteObject", f"Data/{place}/*") for place in ("due", "rejected")),
        Leave("s3:PutObject", "Data/rejected/*"),
        # Lambda itself takes messages, in the name of the function.
        *(
            Leave(f"sqs:{action}", "MergeQueue")
            for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
        ),
    },
    # Where ECHOFORM_TALLY is athena; moto's Athena reads nothing. Months of answers are stretches.
    "tally": {
        leave
        for leave in leaves(POLICIES["tally"])
        if leave.action.startswith(("athena:", "glue:", "s3:GetBucketLocation"))
        or leave.on.startswith(("Results/", "Data/staging/", "Data/stretches/", "Data/links/"))
    },
    "invite": SENDS,
    # Old versions of rows are there only after an erasure; and nothing is listed.
    "follow_up_tables": {
        Leave("s3:ListBucket", "Data"),
        Leave("s3:DeleteObjectVersion", "Data/follow_ups/*"),
        Leave("s3:DeleteObjectVersion", "Data/follow_up_events/*"),
    },
    "notices": {
        Leave(f"sqs:{action}", "NoticesQueue")
        for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    },
    # It lists nothing either.
    "escalate": SENDS | {Leave("s3:ListBucket", "Data")},
    # Days that are over are deleted, and whoever is erased may stand anywhere: the tests of erasing
    # and purging hold the rest.
    "purge": {
        leave
        for leave in leaves(POLICIES["purge"])
        if leave.action.startswith("s3:DeleteObject")
        or leave.on
        in ("Data/links/*", "Data/uploads/*", "Data/claims/*", "Data/audit/*", "Data/landing/*")
    },
}
"""What a rehearsal on one machine does not come to; the reason it is allowed stands beside it."""


@pytest.mark.parametrize("function", sorted(POLICIES))
def test_a_policy_that_lacks_anything_is_noticed(
    function: str, rehearsal: dict[str, set[Asked]]
) -> None:
    """Taking any one action of those that were used out of a policy refuses something."""
    for number, statement in enumerate(POLICIES[function]):
        broken = copy.deepcopy(POLICIES[function])
        del broken[number]
        used = [a for a in rehearsal[function] if allows([statement], *a)]
        assert not used or not all(allows(broken, *a) for a in used)


def test_no_star_without_its_reason() -> None:
    """After a slash or a prefix it is all names under that; any other must be argued here."""
    argued = {
        "TheAccountDecides",  # a key's policy speaks of the key alone, as "*"; see resources.yaml
    }
    for statement in _statements(template.load(INFRA / "resources.yaml")):
        if statement["Effect"] == "Allow" and statement.get("Sid") not in argued:
            for action in listed(statement["Action"]):
                assert "*" not in action
            for resource in listed(statement["Resource"]):
                assert resource != "*"
    for function, statements in POLICIES.items():
        for leave in leaves(statements):
            assert "*" not in leave.action, function
            assert re.fullmatch(r"[^*]+(/\*(/claim\.json)?|/responses_\*)?", leave.on), leave


def _statements(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        if isinstance(tree.get("Statement"), list):  # that of a WAF rule is none
            yield from tree["Statement"]
        tree = list(tree.values())
    if isinstance(tree, list):
        for each in tree:
            yield from _statements(each)
