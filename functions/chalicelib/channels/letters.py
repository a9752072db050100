"""A message as an e-mail: MIME, in bytes, the same for every way e-mail is sent.

What is in a message is hostile: an address is one address, a header is one line, and neither can
become another.
"""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, parseaddr
from hashlib import sha256

from ..survey import EchoformError
from .port import Message, Undeliverable

_POLICY = SMTP.clone(cte_type="7bit")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,62}")
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_LINK = re.compile(r"https?://[!-;=?-~]+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


TAG = "echoform"
"""What SES is told a message's key under, and tells it back."""


def tag(key: str) -> str:
    """A message's key as SES takes it: itself, if it is of plain characters."""
    return key if _TAG.fullmatch(key) else sha256(key.encode()).hexdigest()[:32]


def address(text: str) -> str:
    """The address, if it is one that mail can be sent to, and nothing else. Raises Undeliverable.

    The text is not in the error, which is logged.
    """
    local, _, domain = text.strip().rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode()
    except UnicodeError:
        ascii_domain = ""
    if len(local) > 64 or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(ascii_domain):
        raise Undeliverable("this is no e-mail address")
    return f"{local}@{ascii_domain}"


def sender(text: str) -> Address:
    """``Name <address>``, or the address alone. Raises EchoformError."""
    name, spec = parseaddr(_line(text))
    try:
        return Address(display_name=name, addr_spec=address(spec))
    except (Undeliverable, ValueError):
        raise EchoformError(
            f"{text!r} is no sender; write care@example.com or Example <care@example.com>"
        ) from None


def message_id(message: Message, domain: str) -> str:
    """The same for the same key, so that a second copy can be seen to be one."""
    return f"<{key_digest(message.key)}@{domain}>"


def key_digest(key: str) -> str:
    """What a Message-ID begins with."""
    return sha256(key.encode()).hexdigest()[:32]


def letter(message: Message, author: Address, reply_to: Address | None = None) -> bytes:
    """The whole message with its headers, lines ended as mail has them. Raises Undeliverable."""
    mail = EmailMessage(_POLICY)
    mail["From"] = author
    mail["To"] = Address(addr_spec=address(message.to))
    if reply_to:
        mail["Reply-To"] = reply_to
    mail["Subject"] = _line(message.subject)
    mail["Date"] = formatdate()
    mail["Message-ID"] = message_id(message, author.domain)
    mail["Auto-Submitted"] = "auto-generated"
    if message.language:
        mail["Content-Language"] = _line(message.language)
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    return _unsubscribing(message.opt_out) + mail.as_bytes()


def _unsubscribing(opt_out: str) -> bytes:
    """RFC 2369, and RFC 8058 where the address is one that it may name.

    Put before the rest as bytes: the email package would fold a long address, and so break it.
    """
    if not opt_out:
        return b""
    if not _LINK.fullmatch(opt_out):
        raise Undeliverable("the address to opt out at is none")
    header = f"List-Unsubscribe: <{opt_out}>\r\n"
    if opt_out.startswith("https:"):
        header += "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    return header.encode()


def _line(text: str) -> str:
    return " ".join(_CONTROLS.sub(" ", text).split())
