"""Accept in process on a memory store, against a loop that only decodes and puts.

Between the two stands the floor: what accept must do to an answer (recognise it, check its id,
digest it, write its record), written out in one loop that calls none of our functions, asks for no
definition, link or claim, and refuses nothing. What accept costs beyond it is those look-ups and
the calls.

python -m tests.bench.bench_accept [COUNT] [ROUNDS]
"""

from __future__ import annotations

import sys
from hashlib import sha256

import msgspec
from msgspec import Raw

from chalicelib.accept import AHEAD_MS, OLDEST_MS, Arrival, accept
from chalicelib.collecting import from_json
from chalicelib.published import Definitions, publish
from chalicelib.storage import MemoryStore
from chalicelib.survey import Faultless, Response, Submission, ids
from tests.bench.costs import cost
from tests.surveys import after_sales

NOW = 1_770_000_000_000
SURVEY = after_sales()
ANSWERS = {
    "service_type": "repair",
    "contact_channel": "wechat",
    "responsiveness": 2,
    "resolution": 5,
    "attitude": 4,
    "process": 4,
    "why_low": "等了两天才有人联系我",
    "contacts": "twice",
    "resolved": "yes",
    "overall": 6,
    "recommend": 5,
    "improve": ["speed", "skill"],
    "suggestion": "希望周末也有人接电话",
    "call_me": "yes",
    "phone": "13800138000",
}


def bodies(count: int) -> list[bytes]:
    parts = {"version": SURVEY.version, "language": "zh-CN", "answers": ANSWERS, "duration": 64}
    return [msgspec.json.encode({"id": ids.make(NOW, n), **parts}) for n in range(count)]


def bare(sent: list[bytes]) -> None:
    store = MemoryStore()
    decode = msgspec.json.Decoder(Submission).decode
    for body in sent:
        store.create(f"landing/after-sales/{decode(body).id}.json", body)


def whole(sent: list[bytes]) -> None:
    store = MemoryStore()
    publish(store, SURVEY, NOW)
    definitions = Definitions(store)
    arrival = Arrival(now=NOW)
    for body in sent:
        accept(store, definitions, SURVEY.id, from_json(definitions, SURVEY.id, body), arrival)


def floor(sent: list[bytes]) -> None:
    store = MemoryStore()
    faultless = Faultless(SURVEY.fields, SURVEY.version)
    decode, settled = faultless._decode, faultless._settled
    by_name, as_it_is = msgspec.json.Encoder(order="sorted").encode, msgspec.json.Encoder().encode
    for body in sent:
        submission = decode(body)
        minted = int(submission.id[:10].encode().translate(ids._DIGITS), 32)
        if not (
            settled(submission.answers)
            and ids.RESPONSE_ID.fullmatch(submission.id)
            and -AHEAD_MS <= NOW - minted <= OLDEST_MS
        ):
            continue
        said = by_name(submission.answers)
        response = Response(
            id=submission.id,
            survey=SURVEY.id,
            version=submission.version,
            language=submission.language,
            channel="web",
            received_at=NOW,
            answers=Raw(said),  # type: ignore[arg-type]
            duration=submission.duration,
        )
        name = f"landing/after-sales/{submission.id}-{sha256(said).hexdigest()[:16]}.json"
        store.create(name, as_it_is(response))


def main(count: int = 4_000, rounds: int = 25) -> None:
    sent = bodies(count)
    loops = {"decode + put": bare, "the floor": floor, "accept": whole}
    best = dict.fromkeys(loops, float("inf"))
    for _ in range(rounds):
        for name, loop in loops.items():
            best[name] = min(best[name], cost(loop, sent).seconds)
    for name, least in best.items():
        print(f"{name}: {count / least:,.0f}/s, {best['decode + put'] / least:.2f} of decode + put")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
