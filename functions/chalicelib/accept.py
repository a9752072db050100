"""Accepting a submission: check, decide, store durably, and only then acknowledge.

Every way in ends here: the page, the plain form, and rows that are loaded. A submission is stored
under its id and the digest of what was said, create-only, so sending it again finds it there and
gets the same receipt.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from . import break_offs, claims, columns, keys, links, uploads
from .claims import Claim
from .days import DAY_MS
from .links import Link
from .published import Definitions, Publication
from .storage import Exists, Missing, Store
from .survey import (
    Answer,
    Contract,
    Refused,
    Response,
    Sheet,
    Submission,
    ids,
    read,
    strangers,
    written,
)

OLDEST_MS = 6 * DAY_MS
"""An id may be this old when it comes: pages stop sending then."""
AHEAD_MS = 10 * 60 * 1000
"""A phone's clock, and so an id, may be ahead of ours by this much."""
_LONGEST_S = 6 * 24 * 60 * 60


class Arrival(Struct, frozen=True, kw_only=True):
    """How a submission came."""

    now: int
    """Milliseconds since 1970, by the server's clock (for loaded rows, their own time)."""
    channel: str = "web"
    scripted: bool = True
    """Whether the page decided what was visible. A plain form shows everything."""
    loaded: bool = False
    """Whether it comes from a file: any id time, any published version, opens no follow-up."""
    attributes: Mapping[str, str] = {}
    """What is known beside the link."""
    entered_by: str | None = None
    """Who asked, where staff enters the answers."""
    recording_consent: bool | None = None


class Receipt(Struct, frozen=True):
    """``replay``: this very submission had been accepted before."""

    response: str
    replay: bool


def accept(
    store: Store, definitions: Definitions, survey: str, submission: Submission, arrival: Arrival
) -> Receipt:
    """Store the submission as a response. When this returns, the answer is durable.

    Raises:
        Refused: with an error code, and every problem where answers are at fault.
        StorageError: it could not be stored; nothing was acknowledged.
    """
    publication, contract = _contract(definitions, survey, submission.version)
    minted = _minted(submission.id, arrival)
    answers = _answers(contract, submission, arrival)
    code = submission.link or ""
    link = None if submission.link is None else _link(store, survey, code)
    response = Response(
        id=submission.id,
        survey=survey,
        version=submission.version,
        language=_language(contract, submission.language),
        channel=arrival.channel,
        received_at=arrival.now,
        answers=written(answers),
        duration=_duration(submission.duration),
        attributes=_attributes(contract, arrival, link) if link or arrival.attributes else {},
        link=links.hash_of(code) if link and not contract.anonymous else None,
        personal_link=bool(link and link.personal and not contract.anonymous),
        entered_by=arrival.entered_by,
        recording_consent=arrival.recording_consent,
        follow_up=not arrival.loaded,
        verifies=link.verifies if link and not contract.anonymous else "",
        trap=submission.trap,
        scripted=arrival.scripted,
        left="" if contract.anonymous else _left(submission.left or ""),
    )
    claim = claims.of(contract, response, code) if link and link.personal else None
    if not arrival.loaded:
        # Judged by when it was first sent, which its id tells: a retry fares as the first try did.
        over = ended(publication, submission.version, link, min(arrival.now, minted))
        if over:
            raise Refused(over)
    # Before the link: who is told to upload again must find the link still free.
    uploads.take(store, contract, response, answers)
    if claim:
        return _claimed(store, links.hash_of(code), claim, response)
    return Receipt(response.id, replay=not _land(store, response))


def _claimed(store: Store, link: str, mine: Claim, response: Response) -> Receipt:
    """Store a response over a personal link, which takes one alone (``claims`` says why so).

    Of two versions under one id, the one that has the claim counts.
    """
    new = False
    holder = claims.held(store, response.survey, link)
    if holder is None:
        new = not mine.proof and _land(store, response)
        holder = claims.make(store, response.survey, link, mine)
    if not holder.is_of(mine):
        raise Refused("already_answered")
    if mine.proof:
        new = _land(store, response)
    return Receipt(response.id, replay=not new or holder != mine)


def _land(store: Store, response: Response) -> bool:
    """Whether it had not landed before."""
    try:
        store.create(
            keys.landing(response.survey, response.id, response.digest), response.to_json()
        )
    except Exists:
        return False
    return True


def _contract(definitions: Definitions, survey: str, version: str) -> tuple[Publication, Contract]:
    try:
        publication = definitions.publication(survey)
    except Missing:
        raise Refused("not_found") from None
    try:
        return publication, definitions.contract(survey, version)
    except Missing:
        raise Refused("stale_version") from None


def _minted(response: str, arrival: Arrival) -> int:
    """When the id was made, in milliseconds since 1970, if it is one and of these days."""
    if not ids.is_id(response):
        raise Refused("bad_id")
    if not arrival.loaded and not in_time(response, arrival.now):
        raise Refused("clock")
    return ids.time_of(response)


def in_time(id: str, now: int) -> bool:
    """Whether a well-formed id is of these days."""
    return -AHEAD_MS <= now - ids.time_of(id) <= OLDEST_MS


def _answers(contract: Contract, submission: Submission, arrival: Arrival) -> dict[str, Answer]:
    """The typed answers. A plain form shows every question and choice: what is hidden is let go.

    Only the page's script can upload, so from others no file is required: a customer whose script
    failed, or who is on the telephone, has no way to give one, and their answer counts without.
    """
    raw, fields = submission.answers, contract.fields
    if isinstance(raw, Sheet):  # nothing but what read() would keep
        return raw
    if not arrival.scripted or arrival.loaded or arrival.entered_by:
        fields = tuple(
            replace(field, required=False) if field.kind == "files" else field for field in fields
        )
    reading = read(fields, raw)
    if not arrival.scripted:
        hidden = {p.question for p in reading.problems if p.code == "choice"} & {
            field.id for field in fields if field.choice_if
        }
        reading = read(fields, {n: v for n, v in raw.items() if n not in hidden})
    problems = reading.problems + [
        stranger
        for stranger in strangers(fields, raw, reading.shown)
        if arrival.scripted or stranger.code != "hidden"
    ]
    if problems:
        raise Refused("problems", tuple(problems))
    return reading.answers


def _link(store: Store, survey: str, code: str) -> Link:
    link = links.look_up(store, code)
    if link is None or link.survey != survey:
        raise Refused("gone")
    return link


def _attributes(contract: Contract, arrival: Arrival, link: Link | None) -> dict[str, str]:
    """What is known of whoever answered, as far as the survey may know it."""
    known = {**arrival.attributes, **(link.attributes if link else {})}
    return {name: known[name] for name in columns.attributes(contract) if name in known}


def ended(publication: Publication, version: str, link: Link | None, now: int) -> str | None:
    """Why the survey, this version of it or the link takes no new answers any more."""
    if publication.closed_at is not None and publication.closed_at <= now:
        return "gone"
    if link and link.expires_at is not None and link.expires_at <= now:
        return "gone"
    return None if publication.accepts(version, now) else "stale_version"


def _language(contract: Contract, language: str) -> str:
    return language if language in contract.languages else contract.languages[0]


def _left(name: str) -> str:
    """The page's mark of a break-off. It is no answer: a name that cannot be read is let go."""
    return name if break_offs.named(name) else ""


def _duration(seconds: int | None) -> int | None:
    """Seconds, where a phone's clock tells a believable number."""
    return seconds if seconds is not None and 0 <= seconds <= _LONGEST_S else None
