"""What messages cost and lead to: a text message is paid by the segment, and its way out works."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from chalicelib import links
from chalicelib.channels.segments import segmented
from chalicelib.invitations import contact_rule, opting_out, record
from chalicelib.invitations.invitation import Campaign, Invitation
from chalicelib.invitations.writing import writer
from chalicelib.published import Definitions
from chalicelib.site import SiteRecord
from chalicelib.storage import MemoryStore
from generator.link_addresses import led
from generator.message_templates import shipped
from tests.invitations.asking import KEY, NOON, Memory, plan, run
from tests.laying import lay_messages, lay_site

SITE = SiteRecord(url="https://kefu.example-shop.cn", short=True, name={"zh-CN": "示例公司"})
assert len(SITE.url.removeprefix("https://")) == 20


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    lay_messages(store, shipped())
    lay_site(store, SITE)
    return store


def planned(store: MemoryStore) -> tuple[Campaign, Invitation, str]:
    """A campaign's only customer, and the code of the invitation."""
    channel = Memory()
    campaign = plan(store, range(1))
    run(store, channel)
    [shard] = record.shards(store, campaign)
    [each] = shard.invitations.values()
    return campaign, each, channel.taken[0].text


@pytest.mark.parametrize("kind", ["invitation", "reminder"])
def test_a_usual_text_message_in_chinese_is_two_segments(store: MemoryStore, kind: str) -> None:
    campaign, each, code = planned(store)
    texted = replace(each, channel="sms", language="zh-CN", fields={"service": "空调维修"})
    message = writer(store, Definitions(store))(campaign, texted, kind, code, "c/s/i")
    said = segmented(message.text.strip())
    assert said.segments <= 2, f"{said}: {message.text}"
    assert f"{SITE.url}/after-sales?{code}" in message.text
    assert led("/after-sales", code) is None, "with a slash it is a page, which a host knows"


def test_its_short_way_out_leads_to_the_button_and_no_answer(store: MemoryStore) -> None:
    campaign, each, code = planned(store)
    texted = replace(each, channel="sms", language="zh-CN")
    way_out = writer(store, Definitions(store))(
        campaign, texted, "invitation", code, "c/s/i"
    ).opt_out
    path, _, brief = way_out.removeprefix(SITE.url).partition("?")
    assert led(path, brief) == f"/api/optouts?{brief}"
    assert links.look_up(store, brief) is None, "it answers nothing"
    for wrong in (brief[:-1] + ("0" if brief[-1] != "0" else "1"), "U" * 10, "/" * 10):
        assert opting_out.opted_out(store, Definitions(store), wrong, {}, NOON).status == 410
    assert not contact_rule.OptOuts(store).refresh()
    done = opting_out.opted_out(store, Definitions(store), brief.lower(), {}, NOON)
    assert done.status == 200
    out = contact_rule.OptOuts(store).refresh().keys()
    assert out == set(contact_rule.person(KEY, each.customer, each.to))


def test_an_e_mail_keeps_the_address_that_a_mail_program_can_post_to(store: MemoryStore) -> None:
    """And so does everything of a site whose host leads nothing."""
    campaign, each, code = planned(store)
    write = writer(store, Definitions(store))
    long = f"{SITE.url}/api/optouts?{code}"
    assert write(campaign, each, "invitation", code, "c/s/i").opt_out == long
    lay_site(store, replace(SITE, short=False))
    texted = replace(each, channel="sms")
    message = writer(store, Definitions(store))(campaign, texted, "invitation", code, "c/s/i")
    assert message.opt_out == long
    assert "/after-sales/en/?" in message.text or "/after-sales/?" in message.text
