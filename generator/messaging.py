"""Messages on the author's machine: publish what they are written from, and show one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from chalicelib import keys
from chalicelib import site as site_record
from chalicelib.channels import Message
from chalicelib.channels.configured import Ses, Smtp
from chalicelib.channels.letters import letter, sender
from chalicelib.channels.segments import segmented
from chalicelib.invitations import writing
from chalicelib.messages import FIELDS, WRITTEN, Messages, Rendered, written_down
from chalicelib.site import SiteRecord
from chalicelib.storage import MemoryStore, Store
from chalicelib.survey import EchoformError
from generator.building import gather
from generator.findings import meant
from generator.message_templates import EXAMPLE, samples, together
from generator.site import Site


def lay(store: Store, site: Site) -> None:
    """Publish the site's record and all templates, for the functions to read."""
    for key, data in laid(site).items():
        site_record.lay(store, key, data)


def laid(site: Site) -> dict[str, bytes]:
    """The same, by the key of the data that each is read from."""
    return {
        keys.SITE: msgspec.json.encode(recorded(site)),
        keys.MESSAGES: written_down(together(site.messages), site.message_fields),
    }


def recorded(site: Site) -> SiteRecord:
    """What the functions must know of it."""
    return SiteRecord(
        url=site.url,
        api=site.api,
        short=site.short,
        name=site.name,
        colour=site.colour,
        channels=site.channels,
        service_events=site.service_events,
        crm=site.crm,
    )


def run_message(
    survey: Path,
    kind: str,
    channel: str,
    language: str,
    given: Sequence[str],
    output: Path | None,
    say: Callable[[str], None],
) -> None:
    """Show one message as it would go out, or write it to a file."""
    gathered = gather([survey])
    (contract,) = gathered.contracts
    language = language or contract.languages[0]
    site = gathered.site
    known = [*FIELDS, *site.message_fields]
    fields = {
        **samples(language, site.message_fields, site.url),
        **writing.fields(recorded(site), contract, language, EXAMPLE, channel),
        "colour": site.colour,
    }
    if site.name:
        fields["brand"] = site.called(language)
    for pair in given:
        name, equals, value = pair.partition("=")
        if name not in known or not equals:
            raise EchoformError(f"{pair!r}: write --field NAME=VALUE; {meant(name, known)}")
        fields[name] = value
    store = MemoryStore()
    lay(store, site)
    rendered = Messages(store).render(kind, channel, language, fields)
    if output:
        output.write_bytes(_as_file(rendered, output, site))
        say(f"{output}: {output.stat().st_size} bytes")
        return
    if rendered.subject:
        say(f"Subject: {rendered.subject}\n")
    say(rendered.text)
    if WRITTEN[channel] == "sms":
        say(str(segmented(rendered.text.strip())))
    if rendered.html:
        size = len(rendered.html.encode())
        say(f"and as HTML, {size} bytes: --output message.html or message.eml shows it")


def _as_file(rendered: Rendered, output: Path, site: Site) -> bytes:
    """What the name of the file wants."""
    email = site.channels.email
    author = email.sender if isinstance(email, Smtp | Ses) else "Example <care@example.com>"
    message: Message = rendered.message("example", "c123@example.com")
    kinds: dict[str, Callable[[], bytes]] = {
        ".txt": lambda: rendered.text.encode(),
        ".html": lambda: rendered.html.encode(),
        ".eml": lambda: letter(message, sender(author)),
    }
    if output.suffix not in kinds or (output.suffix != ".txt" and not rendered.subject):
        raise EchoformError(f"{output}: call it .txt, or for an e-mail .html or .eml")
    return kinds[output.suffix]()
