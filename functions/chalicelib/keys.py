"""The names of everything stored: the layout of the data, in one place."""

from __future__ import annotations

import zlib

DEFINITIONS = "definitions/"
LANDING = "landing/"
RESPONSES = "responses/"
CONTACTS = "contacts/"
TALLIES = "tallies/"
STRETCHES = "stretches/"
LINKS = "links/"
CLAIMS = "claims/"
DUE = "due/"
REJECTED = "rejected/"
TOMBSTONES = "tombstones/"
ERASURES = "erasures/"
AUDIT = "audit/"
UPLOADS = "uploads/"
CLAIM = "/claim.json"
CURRENT = "/current.json"
VERDICT = "-follow.up"
CUTS = "cuts/"
QUESTIONS = "questions/"
LABELS = "labels/"
STAGING = "staging/"
OUTBOX = "outbox/"
CAMPAIGNS = "campaigns/"
CAMPAIGN = "/campaign.json"
ASKED = "asked/"
OPT_OUTS = "optouts/"
HEARD = "heard/"
PLANNING = "planning/"
INVITATIONS = "invitations/"
FOLLOW_UPS = "follow_ups/"
FOLLOW_UP_EVENTS = "follow_up_events/"
SITE = f"{DEFINITIONS}site.json"
MESSAGES = f"{DEFINITIONS}messages.json"
"""No survey has a dot in its id."""
ACTIONS = "actions/"
TOLD = "told/"
CRM = "crm/"
RELEASES = "releases/"
LIVE = f"{RELEASES}live.json"
KEPT = "kept/"
LEFT = "left/"
BREAK_OFFS = "break_offs/"

CONFLICT = "conflict"
"""The reason in the name of what was rejected because another body was merged under its id."""


def contract(survey: str, version: str) -> str:
    return f"{DEFINITIONS}{survey}/{version}.json"


def current(survey: str) -> str:
    return f"{DEFINITIONS}{survey}{CURRENT}"


def shell(survey: str, version: str, language: str) -> str:
    """The page that a form with problems gets back, before they are put in."""
    return f"{DEFINITIONS}{survey}/{version}-{language}.json"


def landing(survey: str, response: str, digest: str) -> str:
    return f"{LANDING}{survey}/{response}-{digest}.json"


def links(code_hash: str) -> str:
    return f"{LINKS}{code_hash[:3]}.json"


def claim(survey: str, code_hash: str) -> str:
    return f"{CLAIMS}{survey}/{code_hash}.json"


def part(table: str, survey: str, day: str, bucket: int) -> str:
    """``table`` is RESPONSES or CONTACTS; ``day`` is ``YYYY-MM-DD``."""
    return f"{table}{survey}/dt={day}/part-{bucket:03d}.parquet"


def tallies(survey: str, day: str) -> str:
    return f"{TALLIES}{survey}/dt={day}/tallies.parquet"


def stretch(survey: str, name: str, stamp: str) -> str:
    """``name`` is ``2026-05`` or ``2026-05-W19``."""
    return f"{STRETCHES}{survey}/{name}-{stamp}.parquet"


def codebook(table: str, survey: str, version: str) -> str:
    """``table`` is QUESTIONS or LABELS."""
    return f"{table}{survey}/{version}.parquet"


def due(survey: str, response: str, rule: str) -> str:
    return f"{DUE}{survey}/{response}-{rule}"


def verdict(survey: str, response: str) -> str:
    """The mark of an answer that says whether a follow-up helped. (No rule has a dot in its id.)"""
    return f"{DUE}{survey}/{response}{VERDICT}"


def rejected(day: str, survey: str, name: str, reason: str) -> str:
    """``reason`` is a word of ours: whoever counts by reason lists names and reads nothing."""
    return f"{REJECTED}{day}/{survey}/{name}.{reason}.json"


def reason_of(key: str) -> str:
    """The reason in the name of a rejected object."""
    return key.removesuffix(".json").rpartition(".")[2]


def tombstones(survey: str, day: str) -> str:
    """The prefix of a day's tombstones."""
    return f"{TOMBSTONES}{survey}/{day}/"


def erasure(name: str) -> str:
    """What an erasure set out to do; gone when it is done."""
    return f"{ERASURES}{name}.json"


def audit(day: str, name: str) -> str:
    return f"{AUDIT}dt={day}/{name}.json"


def uploads_on(survey: str, day: str) -> str:
    """The prefix of what was uploaded on a day (UTC)."""
    return f"{UPLOADS}{survey}/{day}/"


def upload(survey: str, token: str, question: str) -> str:
    """Where the bytes go: the name says whose they are, so that nothing else has to."""
    return f"{_uploaded(survey, token)}/{question}"


def upload_claim(survey: str, token: str) -> str:
    """Which response names the upload. (No question has a dot in its id.)"""
    return f"{_uploaded(survey, token)}{CLAIM}"


def token_of(key: str) -> str:
    """The token of an upload or of its claim."""
    return "-".join(key.split("/")[2:4])


def settled(survey: str, day: str) -> str:
    """Says that a day's uploads were looked through: some answer names all that are left."""
    return f"{uploads_on(survey, day)}settled"


def _uploaded(survey: str, token: str) -> str:
    return f"{uploads_on(survey, token[:10])}{token[11:]}"


def cut(survey: str, days: str) -> str:
    """That figures of these days (``2026-07-01..2026-09-30``) were published."""
    return f"{CUTS}{survey}/{days}.json"


def action(name: str) -> str:
    return f"{ACTIONS}{name}.json"


def told(action: str, person: str) -> str:
    """That somebody was told what the action did; ``person``: a hash of the contact rule."""
    return f"{TOLD}{action}/{person}"


def crm(survey: str, place: str) -> str:
    """What the CRM was told: of a part (``dt=2026-05-17/part-000``), or of closed follow-ups."""
    return f"{CRM}{survey}/{place}.json"


def release(number: int) -> str:
    """What a publishing makes of the site; LIVE says which of them is."""
    return f"{RELEASES}{number:08d}.json"


def kept(hash: str) -> str:
    """Bytes that some release has, named by their SHA-256."""
    return f"{KEPT}{hash}"


def left(survey: str, day: str, name: str) -> str:
    """The mark of somebody who began and left; ``name`` says all that is known (break_offs)."""
    return f"{LEFT}{survey}/{day}/{name}"


def break_offs(survey: str, day: str) -> str:
    """A day's marks, counted."""
    return f"{BREAK_OFFS}{survey}/dt={day}/break_offs.parquet"


def outbox(channel: str, name: str) -> str:
    return f"{OUTBOX}{channel}/{name}.json"


def campaign(survey: str, name: str) -> str:
    return f"{CAMPAIGNS}{survey}/{name}{CAMPAIGN}"


def asked(hash: str) -> str:
    return f"{ASKED}{hash[:2]}.json"


def opt_outs(hash: str) -> str:
    return f"{OPT_OUTS}{hash[:2]}.json"


def planning(survey: str, campaign: str, nonce: str) -> str:
    """That somebody is planning this campaign, or was cut off doing so."""
    return f"{PLANNING}{survey}/{campaign}/{nonce}.json"


def heard(survey: str, invitation: str, step: str) -> str:
    """A step of an invitation that is not yet on its record; ``invitation`` as its link has it."""
    return f"{HEARD}{survey}/{invitation}.{step}"


def invitations(survey: str, campaign: str, day: str) -> str:
    return f"{INVITATIONS}{survey}/dt={day}/{campaign}.parquet"


def follow_ups(table: str, survey: str, day: str) -> str:
    """``table`` is FOLLOW_UPS or FOLLOW_UP_EVENTS; ``day`` is the one they were opened on."""
    return f"{table}{survey}/dt={day}/{table.rstrip('/')}.parquet"


def survey_of(key: str) -> str:
    """The survey a key belongs to (its second path element)."""
    return key.split("/", 2)[1]


def response_of(key: str) -> str:
    """What stands where a key of ``landing/``, ``due/`` or ``rejected/`` has its response id."""
    return key.rpartition("/")[2][:26]


def day_of(key: str) -> str:
    """The day in a key's ``dt=`` element."""
    return key.split("dt=", 1)[1][:10]


def bucket(response: str, buckets: int) -> int:
    """The part of its day a response lies in: CRC-32 of the id, modulo the number of parts."""
    return zlib.crc32(response.encode()) % buckets


def table(prefix: str, survey: str) -> str:
    """What analysts call the parts under a prefix: ``responses_after_sales``."""
    return f"{prefix.rstrip('/')}_{survey.replace('-', '_')}"
