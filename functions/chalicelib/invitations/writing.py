"""From an invitation to the message that goes out: its addresses, its fields, its name."""

from __future__ import annotations

from .. import links
from ..channels import Message
from ..days import local
from ..messages import WRITTEN, render
from ..published import Definitions
from ..site import SiteRecord, read_site
from ..storage import Store
from ..survey import Contract
from .invitation import Campaign, Invitation, deadline
from .sending import Write


def writer(store: Store, definitions: Definitions) -> Write:
    """Writes messages with what is published. Raises Unrendered where it cannot."""
    site = read_site(store)

    def write(
        campaign: Campaign, invitation: Invitation, kind: str, code: str, place: str
    ) -> Message:
        contract = definitions.current(campaign.survey)
        said = {
            **invitation.fields,
            **fields(site, contract, invitation.language, code, invitation.channel),
            "deadline": _day(deadline(campaign, invitation), contract, invitation.language),
        }
        rendered = render(store, kind, invitation.channel, invitation.language, said)
        return rendered.message(message_key(campaign, invitation, kind, place), invitation.to)

    return write


def fields(
    site: SiteRecord, contract: Contract, language: str, code: str, channel: str
) -> dict[str, str]:
    """What every message about a survey says: its title, the link and the way out.

    A text message's addresses are short where the host leads them: they are most of what it costs.
    """
    leads = site.short and site.api == "/api" and WRITTEN.get(channel) == "sms"
    asked = link(site, contract, language, code)
    brief = f"{site.url.rstrip('/')}/o?{links.brief(code)}"
    return {
        "survey": contract.title.get(language) or contract.title[contract.languages[0]],
        "link": asked.replace("/?", "?") if leads else asked,
        "opt_out": brief if leads else opt_out(site, code),
    }


def link(site: SiteRecord, contract: Contract, language: str, code: str) -> str:
    """Where a customer answers, in the language nearest to theirs."""
    translated = f"{language}/" if language in contract.languages[1:] else ""
    return f"{site.url.rstrip('/')}/{contract.id}/{translated}?{code}"


def opt_out(site: SiteRecord, code: str) -> str:
    """Where whoever has this code ends all messages to them."""
    return f"{site.url.rstrip('/')}{site.api.rstrip('/')}/optouts?{code}"


def message_key(campaign: Campaign, invitation: Invitation, kind: str, place: str) -> str:
    """Names a sending, and says which invitation it is of; nothing personal is in it."""
    number = len(invitation.times("reminded")) + 1 if kind == "reminder" else 1
    return "_".join([campaign.survey, *place.split("/"), f"{kind}-{number}"])


def _day(at: int | None, contract: Contract, language: str) -> str:
    """The last day on which the link takes an answer."""
    if at is None:
        return ""
    day = local(at - 1, contract.timezone)
    return f"{day.month}月{day.day}日" if language.startswith("zh") else day.date().isoformat()
