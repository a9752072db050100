"""The HTTP side of accepting: bytes and headers in, status and body out. No framework here.

``REFUSALS`` is every error code there is; ``functions/README.md`` shows each with an example.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from html import escape
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec import Struct

from . import links
from .accept import Arrival, accept
from .published import Definitions
from .storage import Missing, Store
from .survey import Contract, Refused, Submission, from_form, ids
from .survey.piping import filled
from .survey.words import say

_SUBMISSION = msgspec.json.Decoder(Submission).decode

LARGEST_BODY = 64 * 1024
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

REFUSALS = {
    "malformed": 400,
    "not_found": 404,
    "stale_version": 409,
    "clock": 409,
    "already_answered": 409,
    "gone": 410,
    "too_large": 413,
    "unsupported": 415,
    "bad_id": 422,
    "problems": 422,
    "busy": 429,
    "unavailable": 503,
}


class Reply(Struct, frozen=True):
    status: int
    body: bytes
    headers: dict[str, str]
    error: str = ""
    """The error's code, where it is one."""


def collect(
    store: Store,
    definitions: Definitions,
    survey: str,
    headers: Mapping[str, str],
    body: bytes,
    now: int,
) -> Reply:
    """Take one posted submission, from the page's script or from its plain form.

    ``headers`` have lower-case names.
    """
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    form = kind == FORM
    language = ""
    try:
        if len(body) > LARGEST_BODY:
            raise Refused("too_large")
        if form:
            submission = _from_form(definitions, survey, headers, body, now)
        elif kind == JSON:
            submission = from_json(definitions, survey, body)
        else:
            raise Refused("unsupported")
        language = submission.language
        arrival = Arrival(now=now, scripted=not form)
        receipt = accept(store, definitions, survey, submission, arrival)
    except Refused as refused:
        return (_problem_page if form else refusal)(
            refused, language, _current(definitions, survey)
        )
    if form:
        translated = language in definitions.current(survey).languages[1:]
        home = f"/{survey}/{language}" if translated else f"/{survey}"
        return Reply(303, b"", {"Location": f"{home}/thanks/"})
    answer = {"receipt": receipt.response, "status": "replayed" if receipt.replay else "accepted"}
    return Reply(
        200 if receipt.replay else 201, msgspec.json.encode(answer), {"Content-Type": JSON}
    )


def refusal(refused: Refused, language: str = "", contract: Contract | None = None) -> Reply:
    """An error body: its code, the words for it, and every problem by question."""
    language = _spoken(language, contract)
    body = {
        "error": refused.code,
        "message": say(language, refused.code),
        "problems": [
            {"question": p.question, "code": p.code, "message": say(language, p.code, p.facts)}
            for p in refused.problems
        ],
    }
    data = msgspec.json.encode(body)
    return Reply(REFUSALS[refused.code], data, {"Content-Type": JSON}, refused.code)


def from_json(definitions: Definitions, survey: str, body: bytes) -> Submission:
    """What a page's script sent. Raises Refused.

    Nearly all is faultless; what is not, is read slowly and told what is wrong.
    """
    try:
        submission = definitions.faultless(survey).decode(body)
    except Missing:
        submission = None
    try:
        return submission or _SUBMISSION(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Refused("malformed") from None


def _from_form(
    definitions: Definitions, survey: str, headers: Mapping[str, str], body: bytes, now: int
) -> Submission:
    """A plain form: the server mints the id, and reads the link from the page's own address."""
    try:
        form = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=2000, errors="strict")
    except ValueError:
        raise Refused("malformed") from None
    version = form.pop("_version", [""])[-1]
    language = form.pop("_language", [""])[-1]
    trap = any(form.pop("_website", []))
    contract = _current(definitions, survey, version)
    if contract is None:
        raise Refused("stale_version" if _current(definitions, survey) else "not_found")
    return Submission(
        id=ids.make(now, secrets.randbits(80)),
        version=version,
        language=language,
        answers=from_form(contract.fields, form),
        link=_link_of(headers),
        trap=trap,
    )


def _link_of(headers: Mapping[str, str]) -> str | None:
    """The link's code in the address of the page that was posted, if that page is ours."""
    try:
        page = urlsplit(headers.get("referer", ""))
    except ValueError:  # such as half of an IPv6 address
        return None
    code = page.query.partition("&")[0]  # WeChat adds parameters of its own behind it
    own = page.netloc == headers.get("host", "") and links.CODE.fullmatch(code)
    return code if own else None


def _current(definitions: Definitions, survey: str, version: str | None = None) -> Contract | None:
    """The contract of that version, or the live one; None where nothing such was published."""
    try:
        if version is None:
            return definitions.current(survey)
        return definitions.contract(survey, version)
    except Missing:
        return None


def _spoken(language: str, contract: Contract | None) -> str:
    """The respondent's language where the survey has it, else the survey's first."""
    if contract is None or language in contract.languages:
        return language
    return contract.languages[0]


def _problem_page(refused: Refused, language: str, contract: Contract | None) -> Reply:
    """What a browser without script shows. Its Back button brings the answers back."""
    language = _spoken(language, contract)
    questions = {
        field.id: filled(question.text.get(language, question.id))
        for question in (contract.questions if contract else ())
        for field in question.fields()
    }
    back = escape(say(language, "go_back")) if refused.problems else ""
    title = escape(say(language, refused.code))
    problems = "".join(
        f"<li>{escape(questions.get(p.question, p.question))}: "
        f"{escape(say(language, p.code, p.facts))}</li>"
        for p in refused.problems
    )
    page = (
        f'<!doctype html><html lang="{escape(language or "en")}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><main><h1>{title}</h1><ul>{problems}</ul>"
        f"<p>{back}</p></main></html>"
    )
    return Reply(
        REFUSALS[refused.code],
        page.encode(),
        {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": "default-src 'none'",
            "X-Content-Type-Options": "nosniff",
        },
        refused.code,
    )
