"""What SES and SNS tell of messages is read, and what is strange is passed over."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.channels.notices import Notice, read

MAIL = {
    "timestamp": "2017-08-05T00:40:02.012Z",
    "messageId": "EXAMPLE7c191be45",
    "destination": ["c1@example.com"],
    "tags": {"ses:configuration-set": ["echoform"], "echoform": ["c1-000001"]},
}
BOUNCE = {
    "eventType": "Bounce",
    "bounce": {
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [{"emailAddress": "c1@example.com", "status": "5.1.1"}],
        "timestamp": "2017-08-05T00:41:02.669Z",
    },
    "mail": MAIL,
}
BOUNCED = Notice("EXAMPLE7c191be45", "bounced", 1501893662669, "c1-000001")
TEXT = {
    "notification": {"messageId": "34d9b400", "timestamp": "2016-06-28 00:40:34.558"},
    "delivery": {"destination": "+8613800138000", "providerResponse": "Unknown error"},
    "status": "FAILURE",
}


def test_an_event_of_ses_by_a_queue_raw_or_as_sns_wraps_it() -> None:
    wrapped = {"Type": "Notification", "MessageId": "1", "Message": json.dumps(BOUNCE)}
    assert read(json.dumps(BOUNCE)) == [BOUNCED]
    assert read(json.dumps(wrapped).encode()) == [BOUNCED]
    assert "c1@" not in repr(read(json.dumps(wrapped)))


@pytest.mark.parametrize(
    ("told", "fate", "permanent"),
    [
        ({"bounceType": "Transient", "timestamp": "2017-08-05T00:41:02.669Z"}, "bounced", False),
        ({"bounceType": "Undetermined", "timestamp": "2017-08-05T00:41:02Z"}, "bounced", False),
    ],
)
def test_a_full_mailbox_is_no_wrong_address(told: Any, fate: str, permanent: bool) -> None:
    [notice] = read(json.dumps({**BOUNCE, "bounce": told}))
    assert (notice.fate, notice.permanent) == (fate, permanent)


def test_complaints_and_deliveries_of_either_format() -> None:
    for name in ("eventType", "notificationType"):
        moment = {"timestamp": "2016-01-27T14:59:38.237Z"}
        complaint = {name: "Complaint", "complaint": moment, "mail": MAIL}
        delivery = {name: "Delivery", "delivery": moment, "mail": {**MAIL, "tags": {}}}
        [said] = read(json.dumps(complaint))
        [came] = read(json.dumps(delivery))
        assert (said.fate, said.key) == ("complained", "c1-000001")
        assert (came.fate, came.at, came.key) == ("delivered", 1453906778237, "")
    [refused] = read(json.dumps({"eventType": "Reject", "reject": {}, "mail": MAIL}))
    assert (refused.fate, refused.permanent) == ("bounced", False)


def test_a_text_message_by_the_log_of_sns() -> None:
    events = [{"message": json.dumps(TEXT)}, {"message": json.dumps({**TEXT, "status": "SUCCESS"})}]
    packed = b64encode(gzip.compress(json.dumps({"logEvents": events}).encode())).decode()
    failed, came = read(json.dumps({"awslogs": {"data": packed}}))
    assert failed == Notice("34d9b400", "bounced", 1467074434558)
    assert came.fate == "delivered"


@pytest.mark.parametrize(
    "told",
    [
        {},
        [],
        7,
        None,
        {"eventType": "Open", "mail": MAIL},
        {"eventType": "DeliveryDelay", "mail": MAIL},
        {"eventType": "Bounce"},
        {"Type": "SubscriptionConfirmation", "SubscribeURL": "https://sns.example.com"},
        {"awslogs": {}},
    ],
)
def test_what_tells_nothing_is_passed_over(told: Any) -> None:
    assert read(json.dumps(told)) == []


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(
                    ["Type", "Message", "eventType", "bounce", "mail", "awslogs", "data"]
                ),
                x,
            )
        ),
    )
)
def test_nothing_strange_stops_the_queue(told: Any) -> None:
    with suppress(ValueError):
        read(json.dumps(told))
