"""The HTTP side of accepting: bytes and headers in, status and body out. No framework here.

``REFUSALS`` is every error code there is; ``functions/README.md`` shows each with an example.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec import Struct

from . import links
from .accept import Arrival, accept
from .mending import LINK, Posted, Shell, mending_page, shell_of, words_of
from .published import Definitions
from .storage import Missing, Store
from .survey import Contract, Refused, Submission, from_form, ids
from .survey.words import WORDS

_SUBMISSION = msgspec.json.Decoder(Submission).decode

_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_T = TypeVar("_T")

LARGEST_BODY = 64 * 1024
LARGEST_REQUEST = 1024
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

REFUSALS = {
    "malformed": 400,
    "forbidden": 403,
    "not_found": 404,
    "not_allowed": 405,
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
    posted: dict[str, list[str]] = {}
    language = ""
    try:
        if len(body) > LARGEST_BODY:
            raise Refused("too_large")
        if form:
            posted = _posted(body, headers)
            language = posted.get("_language", [""])[-1]
            submission = _from_form(definitions, survey, posted, now)
        elif kind == JSON:
            submission = from_json(definitions, survey, body)
        else:
            raise Refused("unsupported")
        language = submission.language
        arrival = Arrival(now=now, scripted=not form)
        receipt = accept(store, definitions, survey, submission, arrival)
    except Refused as refused:
        contract = _current(definitions, survey, posted.get("_version", [None])[-1])
        contract = contract or _current(definitions, survey)
        language = _spoken(language, contract)
        shell = shell_of(store, contract, language) if contract and _needs(form, language) else None
        if form:
            return _problem_page(refused, language, contract, shell, posted)
        return refusal(refused, language, contract, shell)
    if form:
        translated = language in definitions.current(survey).languages[1:]
        home = f"/{survey}/{language}" if translated else f"/{survey}"
        # Behind the #: the number is the customer's to keep, and no log's.
        return Reply(303, b"", {"Location": f"{home}/thanks/#{receipt.response}"})
    answer = {"receipt": receipt.response, "status": "replayed" if receipt.replay else "accepted"}
    return Reply(
        200 if receipt.replay else 201, msgspec.json.encode(answer), {"Content-Type": JSON}
    )


def refusal(
    refused: Refused,
    language: str = "",
    contract: Contract | None = None,
    shell: Shell | None = None,
) -> Reply:
    """An error body: its code, the words for it, and every problem by question."""
    words = words_of(_spoken(language, contract), shell)
    body = {
        "error": refused.code,
        "message": words[refused.code],
        "problems": [
            {"question": p.question, "code": p.code, "message": words[p.code].format(**p.facts)}
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
    except _UNREADABLE:
        raise Refused("malformed") from None


def decoded(kind: msgspec.json.Decoder[_T], body: bytes) -> _T:
    """What a page asks in a few words of JSON. Raises Refused."""
    if len(body) > LARGEST_REQUEST:
        raise Refused("too_large")
    try:
        return kind.decode(body)
    except _UNREADABLE:
        raise Refused("malformed") from None


def _posted(body: bytes, headers: Mapping[str, str]) -> dict[str, list[str]]:
    """A plain form's fields, with the link's code that its page's address has. Raises Refused."""
    try:
        form = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=2000, errors="strict")
    except ValueError:
        raise Refused("malformed") from None
    code = _link_of(headers)
    return {**form, LINK: [code]} if code else form


def _from_form(
    definitions: Definitions, survey: str, posted: Mapping[str, list[str]], now: int
) -> Submission:
    """A plain form: the server mints the id."""
    form = dict(posted)
    version = form.pop("_version", [""])[-1]
    language = form.pop("_language", [""])[-1]
    link = form.pop(LINK, [""])[-1]
    trap = any(form.pop("_website", []))
    contract = _current(definitions, survey, version)
    if contract is None:
        raise Refused("stale_version" if _current(definitions, survey) else "not_found")
    return Submission(
        id=ids.make(now, secrets.randbits(80)),
        version=version,
        language=language,
        answers=from_form(contract.fields, form),
        link=link or None,
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


def _needs(form: bool, language: str) -> bool:
    """Whether a refusal needs the survey's shell: to draw a page, or for words we have not."""
    return form or language not in WORDS


def _problem_page(
    refused: Refused,
    language: str,
    contract: Contract | None,
    shell: Shell | None,
    posted: Posted,
) -> Reply:
    """What a browser without script shows."""
    page, policy = mending_page(refused, language, contract, shell, posted)
    return Reply(
        REFUSALS[refused.code],
        page.encode(),
        {
            "Content-Type": "text/html; charset=utf-8",
            "Cache-Control": "no-store",
            "Content-Security-Policy": policy,
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        },
        refused.code,
    )
