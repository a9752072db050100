"""What messages say: templates by kind, channel and language, and the fields put into them.

Templates are published beside surveys, for reminders are written by the functions. A template is
the author's; everything in a field is hostile: control characters go, so no field ends a line or a
header; no field is ever read as a template; HTML in it is text. Only the two addresses may be
clicked, and they must be addresses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from time import monotonic

import msgspec
from jinja2 import DictLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from msgspec import Struct

from . import keys
from .channels import Message
from .site import SiteRecord, read_site
from .storage import Missing, Store
from .survey import EchoformError
from .survey.words import nearest

KINDS = ("invitation", "notice", "reminder", "verification", "done")
"""In the order a customer gets them: asked (or told that we shall ask), reminded, asked whether it
is put right, told what was done."""
FIELDS = (
    "link",
    "opt_out",
    "survey",
    "brand",
    "colour",
    "language",
    "deadline",
    "incentive",
    "said",
    "did",
    "name",
    "agent",
    "team",
    "store",
    "service",
    "day",
)
"""What every template may name. A site may declare more."""
LINKS = ("link", "opt_out")
OURS = frozenset({"survey", "brand", "incentive", "did"})
"""The fields that the company itself words; the others were written by anybody."""
ASKING = frozenset({"invitation", "reminder", "verification"})
"""The kinds that want an answer: they must have a link."""
WRITTEN = {"email": "email", "sms": "sms", "wechat": "wechat", "webhook": "sms", "wecom": "sms"}
"""Whose templates a channel takes."""
_LONGEST = 100
_LONGER = {"survey": 300, "incentive": 500, "said": 1000, "did": 1000}
_TAPPED = re.compile(r"://|(?<=\w)[.](?=[^\W\d_]{2})")
"""What makes a text an address: ``https://…``, ``example.com``."""
_LINK = re.compile(r"https?://[!#-;=?-~]{1,2000}")


class Unrendered(EchoformError):
    """A message cannot be written: a field or a template is missing or wrong. Says which."""


class Published(Struct, frozen=True):
    """``definitions/messages.json``: templates by name, and the fields they may name."""

    templates: dict[str, str]
    """By names such as ``invitation/email.zh-CN.html``."""
    fields: list[str]


class Rendered(Struct, frozen=True):
    """What a message says, and the fields it was written with."""

    subject: str
    text: str
    html: str
    language: str = ""
    fields: dict[str, str] = {}
    """As they were given: whoever gets them as data gets them whole."""

    def message(self, key: str, to: str) -> Message:
        """The same as a message to somebody."""
        return Message(
            key=key,
            to=to,
            language=self.language,
            subject=self.subject,
            text=self.text,
            html=self.html,
            opt_out=self.fields.get("opt_out", ""),
            fields=self.fields,
        )


def render(
    store: Store, kind: str, channel: str, language: str, fields: Mapping[str, str]
) -> Rendered:
    """Write one message with the published templates. Raises Unrendered.

    ``brand``, ``colour`` and ``language`` are known; a field that is not given is empty.
    """
    return _messages(store).render(kind, channel, language, fields)


def written_down(templates: Mapping[str, str], fields: tuple[str, ...] = ()) -> bytes:
    """Templates as they are published; ``fields`` are those of the site's own."""
    return msgspec.json.encode(Published(dict(sorted(templates.items())), [*FIELDS, *fields]))


class Messages:
    """The published templates in a store, read again every few seconds."""

    def __init__(
        self, store: Store, seconds: float = 5.0, clock: Callable[[], float] = monotonic
    ) -> None:
        self._store = store
        self._seconds = seconds
        self._clock = clock
        self._until = float("-inf")
        self._tag = ""
        self._site = SiteRecord()
        self._published = Published({}, [])
        self._writing = writing({})

    def render(self, kind: str, channel: str, language: str, fields: Mapping[str, str]) -> Rendered:
        if self._clock() >= self._until:
            self._read()
        found, spoken = self._templates(kind, channel, language)
        known = {
            "brand": self._site.called(language),
            **{name: cleaned(name, value) for name, value in fields.items()},
            "colour": self._site.colour,
            "language": spoken,
        }
        for name in required(kind):
            if not known.get(name):
                raise Unrendered(f"a message of kind {kind!r} needs the field {name!r}")
        filled = dict.fromkeys(self._published.fields, "") | known
        written = {ending: self._written(name, filled) for ending, name in found.items()}
        subject, text = parted(written["txt"]) if channel == "email" else ("", written["txt"])
        told = {**fields, **{name: known[name] for name in LINKS if name in known}}
        return Rendered(subject, tidied(text), written.get("html", "").strip(), spoken, told)

    def _read(self) -> None:
        self._site = read_site(self._store)
        try:
            stored = self._store.get(keys.MESSAGES)
        except Missing:
            raise Unrendered(
                "no message templates are published in this data: `echoform serve` publishes them"
            ) from None
        if stored.tag != self._tag:
            self._published = msgspec.json.decode(stored.data, type=Published)
            self._writing = writing(self._published.templates)
            self._tag = stored.tag
        self._until = self._clock() + self._seconds

    def _templates(self, kind: str, channel: str, language: str) -> tuple[dict[str, str], str]:
        """Their names by ending, in the language or the nearest there is, and which that is."""
        stem = f"{kind}/{WRITTEN.get(channel, channel)}."
        names = [name for name in self._published.templates if name.startswith(stem)]
        there = {name.removesuffix(".txt")[len(stem) :] for name in names if name.endswith(".txt")}
        if not there:
            raise Unrendered(f"there is no template {stem}LANGUAGE.txt")
        alike = sorted(each for each in there if each.partition("-")[0] == language[:2])
        wanted = [nearest(language, there), *alike, "en", *sorted(there)]
        spoken = next(each for each in wanted if each in there)
        return {
            ending: name
            for ending in ("txt", "html")
            if (name := f"{stem}{spoken}.{ending}") in self._published.templates
        }, spoken

    def _written(self, name: str, fields: Mapping[str, str]) -> str:
        try:
            return self._writing.get_template(name).render(fields)
        except Exception as error:  # whatever a template may raise
            # Jinja's own words tell names; others may tell what stood in a field.
            why = error if isinstance(error, TemplateError) else type(error).__name__
            raise Unrendered(f"the template {name} cannot be filled: {why}") from None


def writing(templates: Mapping[str, str]) -> ImmutableSandboxedEnvironment:
    """What fills templates: strict on names, and only HTML is escaped."""
    return ImmutableSandboxedEnvironment(
        loader=DictLoader(dict(templates)),
        undefined=StrictUndefined,
        autoescape=lambda name: bool(name and name.endswith(".html")),
        lstrip_blocks=True,
    )


def required(kind: str) -> tuple[str, ...]:
    """The fields without which a kind of message is none."""
    return LINKS if kind in ASKING else LINKS[1:]


def cleaned(name: str, value: str) -> str:
    """A field as it may stand in a message: one line, no control characters, not endless.

    What others wrote has no address that a mail program or telephone would make a link of: whoever
    signs up under the name of an address would have us send it to people.
    """
    plain = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in value)
    plain = " ".join(plain.split())
    if name not in LINKS:
        plain = plain if name in OURS else _TAPPED.sub(lambda found: f"{found[0][0]} ", plain)
        return plain[: _LONGER.get(name, _LONGEST)]
    if plain and not _LINK.fullmatch(plain):
        raise Unrendered(f"the field {name!r} is not an address that begins with http")
    return plain


def parted(text: str) -> tuple[str, str]:
    """The subject on the first line of an e-mail's text, and the rest."""
    first, _, rest = text.lstrip().partition("\n")
    return first.removeprefix("Subject:").strip(), rest


def tidied(text: str) -> str:
    """Without the empty lines that a template's blocks leave behind."""
    return re.sub(r"\n[ \n]*\n", "\n\n", text).strip() + "\n"


_OPENED: dict[Store, Messages] = {}
"""Of the store last written from: templates are compiled once, however many messages are sent."""


def _messages(store: Store) -> Messages:
    messages = _OPENED.get(store)
    if messages is None:
        _OPENED.clear()
        messages = _OPENED[store] = Messages(store)
    return messages
