"""Each function may do what it really asks for, and little else."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from functools import partial
from secrets import randbits
from typing import Any

import msgspec
import pytest

import app
from chalicelib import claims, days, keys, links, tombstones
from chalicelib.accept import Arrival, accept
from chalicelib.claims import Claim
from chalicelib.collecting import JSON, collect
from chalicelib.jobs.landed import Part
from chalicelib.linking import standing_of
from chalicelib.links import Link
from chalicelib.published import Definitions
from chalicelib.running import now, run_job, run_part
from chalicelib.settings import Settings
from chalicelib.storage import S3Store
from chalicelib.survey import Submission, ids
from chalicelib.survey.questions import Upload
from chalicelib.traces import find
from generator import template
from generator.places import INFRA
from tests.infra.allowing import Leave, allows, leaves, listed, matches
from tests.infra.recording import Asked, recorded
from tests.jobs.answering import KEY, contract, land, live, said

POLICIES = template.read_policies()
SURVEY = contract(Upload(id="photo", text={"en": "Photo"}, accept=["image/png"]))
PERSONAL = "7CMM26J97MNWHFGVQRM39J17AWQ"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


def submitted(number: int, **other: Any) -> Submission:
    return Submission(
        id=ids.make(now(), randbits(60) << 16 | number),
        version=SURVEY.version,
        language="en",
        answers={"speed": 1, "care": 4, **other.pop("answers", {})},
        **other,
    )


def _answer(store: S3Store) -> None:
    """Everything customers do: ask for a link, answer over one, without one, with a file, again."""
    definitions = Definitions(store)
    asked = msgspec.json.encode({"survey": SURVEY.id, "code": PERSONAL})
    assert standing_of(store, definitions, asked, now()).status == 200
    token = f"{days.day(now(), 'UTC')}-{1:032x}"
    # The customer's browser does this, with a form that the function signed.
    store.create(keys.upload(SURVEY.id, token, "photo"), PNG)
    for submission in (
        submitted(1, link=PERSONAL),
        submitted(2, answers={"photo": [token], "phone": "13800138000"}),
    ):
        for _ in range(2):
            body = msgspec.json.encode(submission)
            reply = collect(store, definitions, SURVEY.id, {"content-type": JSON}, body, now())
            assert reply.status in (200, 201), reply.body
    with pytest.raises(Exception, match="already_answered"):
        accept(store, definitions, SURVEY.id, submitted(3, link=PERSONAL), Arrival(now=now()))


def _orphan(store: S3Store) -> None:
    """Two submissions that claimed one link and never landed."""
    for number in (70, 71):
        waiting = said(number, SURVEY, now() - 3_600_000 + number, link=links.hash_of("another"))
        store.create(keys.claiming(SURVEY.id, waiting.id, waiting.digest), waiting.to_json())


def _erase(store: S3Store) -> None:
    """An erasure that was cut off after its first step."""
    traces = find(store, KEY, SURVEY.id, "customer", "C1")
    assert traces
    store.create(keys.erasure(ids.make(now(), 1)), msgspec.json.encode(traces))


def _part(settings: Settings, store: S3Store) -> None:
    day = days.day(now(), SURVEY.timezone)
    part = msgspec.json.encode(Part(SURVEY.id, day, 0))
    run_part(settings, store, lambda: 900.0, part.decode())


def _one(store: S3Store) -> None:
    land(store, said(80, SURVEY, now(), attributes={"customer": "C80"}))


def _merge(settings: Settings, store: S3Store) -> None:
    """Once without time, when all goes to the queue, and once with."""
    for seconds in (1.0, 900.0):
        run_job("merge", settings, store, lambda seconds=seconds: seconds)  # type: ignore[misc]


def _nothing(store: S3Store) -> None:
    """Nothing is made ready for it."""


def _land(store: S3Store) -> None:
    land(store, *(said(n, SURVEY, now(), attributes={"customer": f"C{n}"}) for n in range(4)))
    erased = said(5, SURVEY, now(), link=links.hash_of("a third"))
    claims.take(store, erased.link or "", Claim(erased.id, erased.digest), erased)
    land(store, erased)
    tombstones.put(store, SURVEY.id, days.day(now(), SURVEY.timezone), erased.id, KEY)
    store.create(keys.landing(SURVEY.id, ids.make(now(), 9), "0" * 16), b"no answer at all")


REHEARSED: dict[str, tuple[Callable[[S3Store], None], Callable[[Settings, S3Store], object]]] = {
    "api_handler": (_nothing, lambda settings, store: _answer(store)),
    "sweep": (_orphan, partial(run_job, "sweep")),
    "merge": (_land, _merge),
    "merge_part": (_one, _part),
    "tally": (_nothing, partial(run_job, "tally")),
    "purge": (_erase, partial(run_job, "purge")),
}
"""In this order: what is made ready, and what the function then does."""


@pytest.fixture(scope="module")
def rehearsal() -> dict[str, set[Asked]]:
    """What each function asked AWS for."""
    with recorded() as aws, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
        queue = aws.client("sqs").get_queue_url(QueueName=app.MERGE_QUEUE)["QueueUrl"]
        store = S3Store(aws.bucket, "", aws.endpoint)
        settings = Settings(f"s3://{aws.bucket}", aws.endpoint, KEY, merge_queue=queue)
        live(store, SURVEY)
        links.add(store, {PERSONAL: Link(SURVEY.id, personal=True, attributes={"customer": "C9"})})
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
        *(Leave("s3:DeleteObject", f"Data/{place}/*") for place in ("due", "rejected", "claims")),
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
    # Days that are over are deleted, and whoever is erased may stand anywhere: the tests of erasing
    # and purging hold the rest.
    "purge": {
        leave
        for leave in leaves(POLICIES["purge"])
        if leave.action.startswith("s3:DeleteObject")
        or leave.on in ("Data/links/*", "Data/uploads/*", "Data/claims/*", "Data/audit/*")
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
