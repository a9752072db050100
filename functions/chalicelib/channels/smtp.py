"""E-mail by a mail server: a few connections for many messages.

A message is in doubt only from its last byte to the server's answer: whatever fails before that
was not sent, and says so.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from contextlib import suppress

from ..survey import EchoformError
from .configured import Smtp
from .letters import address, letter, message_id, sender
from .pacing import Pace
from .port import Message, Unavailable, Undeliverable

_TIMEOUT = 60
_ENHANCED = re.compile(rb"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_OF_US = frozenset({503, 521, 530, 535})
_OF_US_ENHANCED = re.compile(rb"\b5\.([357]\.[0-9]|4\.5\b)")
"""Refusals that speak of the server, of us, our password or how much we sent today (RFC 3463), and
not of one recipient: else a limit reached would end a campaign for everybody after it."""


class MailServer:
    """Sends by SMTP, each caller at a time over a connection of its own."""

    repeatable = False

    @property
    def at_once(self) -> int:
        return self._said.connections

    def __init__(
        self, said: Smtp, password: str, pace: Pace, context: ssl.SSLContext | None = None
    ) -> None:
        if said.secure == "none" and said.host not in ("localhost", "127.0.0.1", "::1"):
            raise EchoformError("`secure: none` is for a mail server on this machine alone")
        self._said = said
        self._sender = sender(said.sender)
        self._reply_to = sender(said.reply_to) if said.reply_to else None
        self._password = password
        self._pace = pace
        self._context = context
        self._kept: list[smtplib.SMTP] = []
        """Connections that nobody uses at the moment."""

    def send(self, message: Message) -> str:
        to = address(message.to)
        data = _stuffed(letter(message, self._sender, self._reply_to))
        self._pace.keep()
        line = self._ready_for(to)
        try:
            line.send(data)
            code, reply = line.getreply()
        except OSError:  # in doubt: it may have arrived
            line.close()
            raise
        if code != 250:
            self._refused(line)
            never = _permanent(code, reply)
            raise (Undeliverable if never else Unavailable)(_said("the message", code, reply))
        self._kept.append(line)
        return message_id(message, self._sender.domain)

    def close(self) -> None:
        """End the connections; the next message makes another."""
        while self._kept:
            self._kept.pop().close()

    def __del__(self) -> None:
        if hasattr(self, "_kept"):
            self.close()

    def _ready_for(self, to: str) -> smtplib.SMTP:
        """The connection, where the server waits for the message's content.

        One kept since an earlier message may have ended meanwhile: then it is made again, once.
        """
        with suppress(IndexError, OSError):
            return self._introduced(self._kept.pop(), to)
        try:
            return self._introduced(self._connect(), to)
        except OSError as error:
            raise Unavailable(f"the mail server: {type(error).__name__}") from None

    def _introduced(self, line: smtplib.SMTP, to: str) -> smtplib.SMTP:
        for what, command, good in (
            ("the sender", f"MAIL FROM:<{self._sender.addr_spec}>", (250,)),
            ("the address", f"RCPT TO:<{to}>", (250, 251)),
            ("any content", "DATA", (354,)),
        ):
            try:
                code, reply = line.docmd(command)
                if code == 421:
                    raise smtplib.SMTPServerDisconnected
            except OSError:
                line.close()
                raise
            if code not in good:
                self._refused(line)
                never = what == "the address" and _permanent(code, reply)
                raise (Undeliverable if never else Unavailable)(_said(what, code, reply))
        return line

    def _refused(self, line: smtplib.SMTP) -> None:
        """Make the connection fit for the next message and keep it, or end it."""
        with suppress(OSError):
            if line.rset()[0] == 250:
                return self._kept.append(line)
        line.close()

    def _connect(self) -> smtplib.SMTP:
        said = self._said
        context = self._context or ssl.create_default_context()
        if said.secure == "tls":
            line: smtplib.SMTP = smtplib.SMTP_SSL(
                said.host, said.port, timeout=_TIMEOUT, context=context
            )
        else:
            line = smtplib.SMTP(said.host, said.port, timeout=_TIMEOUT)
        try:
            if said.secure == "starttls":
                line.starttls(context=context)
            if said.user:
                line.login(said.user, self._password)
            line.ehlo_or_helo_if_needed()
        except OSError:
            line.close()
            raise
        return line


def _permanent(code: int, reply: bytes) -> bool:
    """Whether a refusal is of this message, and no other would fare like it."""
    return code >= 500 and code not in _OF_US and not _OF_US_ENHANCED.search(reply)


def _stuffed(data: bytes) -> bytes:
    """Lines that begin with a dot get another; a dot alone ends it (RFC 5321, 4.5.2)."""
    ended = data if data.endswith(b"\r\n") else data + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", ended) + b".\r\n"


def _said(what: str, code: int, reply: bytes) -> str:
    """The server's codes, and not its words: those may name the customer."""
    enhanced = _ENHANCED.search(reply)
    return f"the mail server refused {what}: {code} {enhanced[0].decode() if enhanced else ''}"
