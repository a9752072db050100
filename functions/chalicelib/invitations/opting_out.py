"""The way out that stands in every message: a page with one button, and what the button does.

To look at the page changes nothing, for scanners follow every link of an e-mail; only its button
does, or the one click of a mail program (RFC 8058), which posts to the same address. No script.

The address ends with the personal code of the invitation, or in text messages with a brief of it.
Its link knows by which hashes the person is known, so one read is enough, and no person's data is
touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from .. import days, links
from ..collecting import Reply
from ..published import Definitions
from ..storage import Missing, Store
from . import contact_rule
from .invitation import Step
from .learning import hear

_WORDS = {
    "zh-CN": {
        "title": "不再接收我们的消息",
        "ask": "点击下面的按钮后，我们不会再向您发送问卷邀请和提醒。",
        "button": "不再接收",
        "done": "已为您停止发送。我们不会再向您发送问卷邀请和提醒。",
        "undo": "如果改变主意，请联系我们的客服。",
        "unknown": "这个地址不完整或已失效，请从原消息中重新打开；也可以直接回复消息或联系客服。",
    },
    "en": {
        "title": "Stop messages from us",
        "ask": "Press the button, and we shall send you no more invitations and reminders.",
        "button": "Stop messages",
        "done": "Done. We shall send you no more invitations and reminders.",
        "undo": "Should you change your mind, please tell our customer service.",
        "unknown": "This address is incomplete or no longer known. Open it from the message again, "
        "or tell our customer service.",
    },
}
_STYLE = (
    "body{font:18px/1.6 system-ui,sans-serif;max-width:32em;margin:2em auto;padding:0 1em}"
    "button{font:inherit;padding:.6em 1.4em;border:0;border-radius:.4em;background:#0f6b62;"
    "color:#fff;min-height:48px}hr{border:0;border-top:1px solid #ccc;margin:2em 0}"
)
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none';style-src 'unsafe-inline';form-action 'self';"
    "frame-ancestors 'none';base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


def shown(headers: Mapping[str, str]) -> Reply:
    """The page with the button: the same for every code, and nothing is read for it."""
    return _page(200, headers, "ask", button=True)


def opted_out(
    store: Store, definitions: Definitions, code: str, headers: Mapping[str, str], now: int
) -> Reply:
    """What the button does: nothing more is sent to this person, by any survey."""
    known = links.look_up_brief if len(code) == links.BRIEF else links.look_up
    link = known(store, code)
    if link is None or not link.person:
        return _page(410, headers, "unknown", error="gone")
    contact_rule.opt_out(store, link.person, now)
    at = now
    with suppress(Missing):
        contract = definitions.current(link.survey)
        at = days.start(now, contract.timezone) if contract.anonymous else now
    if link.invitation:  # else it asks whether a follow-up helped
        hear(store, link.survey, link.invitation, Step("opted_out", at))
    return _page(200, headers, "done", "undo")


def _page(
    status: int,
    headers: Mapping[str, str],
    *said: str,
    button: bool = False,
    error: str = "",
) -> Reply:
    """In both languages, the reader's first."""
    first = "zh-CN" if "zh" in headers.get("accept-language", "zh").lower()[:5] else "en"
    parts = []
    for language in sorted(_WORDS, key=lambda each: each != first):
        words = _WORDS[language]
        lines = "".join(f"<p>{words[each]}</p>" for each in said)
        press = f'<form method="post"><button>{words["button"]}</button></form>' * button
        parts.append(
            f'<section lang="{language}"><h1>{words["title"]}</h1>{lines}{press}</section>'
        )
    html = (
        f'<!doctype html><html lang="{first}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{_WORDS[first]['title']}</title><style>{_STYLE}</style>"
        f"<main>{'<hr>'.join(parts)}</main></html>"
    )
    return Reply(status, html.encode(), _HEADERS, error)
