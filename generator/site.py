"""The site: brand and addresses that all surveys share, from ``site.yaml``. All of it optional.

What would make a page that cannot be read, loaded or trusted is refused here, where the author
wrote it: colours too near each other, a logo too large, a font from elsewhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from chalicelib.channels.configured import Channels, Crm
from chalicelib.channels.opening import unopenable
from chalicelib.channels.posting import secure
from chalicelib.invitations.service_events import ServiceEvents
from chalicelib.survey import EchoformError
from chalicelib.survey.contract import Origin
from chalicelib.survey.questions import Slug
from generator.colours import illegible, palette, shades_of
from generator.logo import Logo, read_logo
from generator.message_templates import read_messages
from generator.places import TEMPLATES
from generator.plain import BadFile, read_plain
from generator.wordlist import Words, read_words

Colour = Annotated[str, Meta(pattern="^#[0-9a-fA-F]{6}$")]
Font = Annotated[str, Meta(pattern=r"^[-A-Za-z0-9 \u0080-\uffff]{1,60}$")]
"""A font's name as devices know it. Never an address: a page loads nothing."""

_GENERIC = frozenset(
    [
        "serif",
        "sans-serif",
        "monospace",
        "cursive",
        "system-ui",
        "ui-serif",
        "ui-sans-serif",
        "ui-rounded",
        "ui-monospace",
        "-apple-system",
    ]
)
"""Names of CSS's own, written without quotes."""


class SiteFile(Struct, frozen=True, forbid_unknown_fields=True):
    """What ``site.yaml`` may say."""

    name: dict[str, str] = {}
    """The brand's name by language, above every survey."""
    colour: Colour = "#0f6b62"
    """The brand's colour. White text stands on it."""
    dark: Colour | None = None
    """The brand's colour in dark mode; computed from the other if left out."""
    logo: str | None = None
    """A file beside ``site.yaml``: SVG, PNG or WebP of at most 4,000 bytes."""
    font: tuple[Font, ...] = ("system-ui", "-apple-system", "sans-serif")
    """Fonts of the customer's own device, the first one there is."""
    embed: list[Origin] = []
    """Sites that may show the surveys in a frame. Else none may."""
    api: Annotated[str, Meta(pattern=r"^/[^\s;,'\"?#]*$")] = "/api"
    """Where answers are posted to: a path on the same site."""
    uploads: Annotated[str, Meta(pattern=r"^(https?://[^/\s;,'\"?#]+)?$")] = ""
    """Where customers' files go to, if not to this site: scheme and host of the bucket."""
    url: Annotated[str, Meta(pattern=r"^https?://[^/\s;,'\"?#]+(/[^\s;,'\"?#]*)?$")] = (
        "http://127.0.0.1:8000"
    )
    """Where customers find the site: links begin with it. Else `echoform serve` on this machine."""
    service_events: dict[Slug, ServiceEvents] = {}
    """By survey: how customers are asked after a service is completed."""
    crm: Crm | None = None
    """Where what was learnt of customers goes: signed, as webhooks are."""
    channels: Channels = Channels()
    """Who delivers messages. A channel that is not named keeps them in the outbox."""
    message_fields: tuple[Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$")], ...] = ()
    """Fields of messages beside those there are anyway: columns of the customers' table."""
    short: bool = False
    """Whether that host leads short addresses to the plain ones: QR codes are smaller by them, and
    text messages shorter."""


class Site(SiteFile, frozen=True):
    """The same with what stands beside it: logo, words for other languages, message templates."""

    picture: Logo | None = None
    words: dict[str, Words] = {}
    messages: dict[str, str] = {}
    """Templates of the author's own, by name."""

    @property
    def stack(self) -> str:
        """The fonts as CSS says them."""
        return ",".join(name if name in _GENERIC else f'"{name}"' for name in self.font)

    def called(self, language: str) -> str:
        """The brand's name in a language, else in the first there is."""
        return self.name.get(language) or next(iter(self.name.values()), "")


def load_site(path: Path | None) -> Site:
    """The site of a file, or the plain one. Raises BadFile."""
    if path is None:
        return Site()
    said = read_plain(path, SiteFile)
    style = (TEMPLATES / "survey" / "style.css").read_text("utf-8")
    for problem in illegible(shades_of(style) | palette(said.colour, said.dark or "")):
        named = f"dark {said.dark}" if problem.mode == "dark" and said.dark else said.colour
        remedy = "lighter" if problem.mode == "dark" else "darker"
        raise BadFile(f"{path}: colour {named}: {problem}: take a {remedy} shade")
    if said.logo and not said.name:
        raise BadFile(f"{path}: a logo needs `name`, which says it to who cannot see it")
    if said.crm:
        try:
            secure(said.crm.url)
        except EchoformError as error:
            raise BadFile(f"{path}: crm: {error}") from None
    if problems := unopenable(said.channels):
        raise BadFile("\n".join(f"{path}: {problem}" for problem in problems))
    return Site(
        **{name: getattr(said, name) for name in SiteFile.__struct_fields__},
        picture=read_logo(path.parent / said.logo) if said.logo else None,
        words=read_words(path.parent / "words"),
        messages=read_messages(path.parent / "messages", said.message_fields),
    )
