"""Accept in process on a memory store, against a loop that only decodes and puts.

python -m tests.bench.bench_accept
"""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from chalicelib.accept import Arrival, accept
from chalicelib.collecting import from_json
from chalicelib.published import Definitions, publish
from chalicelib.storage import MemoryStore
from chalicelib.survey import Submission, ids
from tests.surveys import after_sales

NOW = 1_770_000_000_000
N = 20_000
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


def bodies() -> list[bytes]:
    parts = {"version": SURVEY.version, "language": "zh-CN", "answers": ANSWERS, "duration": 64}
    return [msgspec.json.encode({"id": ids.make(NOW, n), **parts}) for n in range(N)]


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


def seconds(run: Callable[[list[bytes]], None], sent: list[bytes]) -> float:
    start = time.perf_counter()
    run(sent)
    return time.perf_counter() - start


def main() -> None:
    sent = bodies()
    rounds = [(seconds(bare, sent), seconds(whole, sent)) for _ in range(5)]
    least_bare, least_whole = (min(column) for column in zip(*rounds, strict=True))
    print(f"accept {N / least_whole:,.0f}/s, decode + put {N / least_bare:,.0f}/s")
    print(f"accept reaches {least_bare / least_whole:.2f} of decode + put")


if __name__ == "__main__":
    main()
