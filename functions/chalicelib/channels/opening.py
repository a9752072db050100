"""Which channels there are: those the site configures, else the outbox.

An adapter is loaded only where it is configured, for some are heavy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from ..site import read_site
from ..storage import Store
from ..survey import EchoformError
from .configured import (
    Channels,
    Hook,
    OfficialAccount,
    Outboxed,
    Robot,
    Ses,
    Smtp,
    Sns,
)
from .outbox import Outbox
from .pacing import Allowance, Pace
from .port import Channel, Message, Unavailable

KINDS = ("email", "sms", "wechat", "webhook", "wecom")
Secret: TypeAlias = Callable[[str | None], str]


class Unready:
    """A channel that is configured and cannot be opened: it takes nothing, and says why."""

    repeatable = True
    at_once = 1

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def send(self, message: Message) -> str:
        raise Unavailable(self.reason)


def open_channels(store: Store, environ: Mapping[str, str]) -> dict[str, Channel]:
    """Every channel by its kind. What is secret comes from the environment."""
    configured = read_site(store).channels
    return {kind: _opened(store, kind, configured, environ) for kind in KINDS}


def unopenable(configured: Channels) -> list[str]:
    """What is wrong with what a site configures, whatever its secrets are."""
    found = []
    for kind in KINDS:
        said = getattr(configured, kind)
        try:
            _OPENERS[type(said)](said, str) if type(said) in _OPENERS else None
        except EchoformError as error:
            found.append(f"channels.{kind}: {error}")
    return found


def _opened(store: Store, kind: str, configured: Channels, environ: Mapping[str, str]) -> Channel:
    said = getattr(configured, kind)
    if isinstance(said, Outboxed):
        return Outbox(store, kind)

    def secret(name: str | None) -> str:
        if name and not environ.get(name):
            raise EchoformError(f"channel {kind}: the environment variable {name} is not set")
        return environ[name] if name else ""

    try:
        channel: Channel = _OPENERS[type(said)](said, secret)
    except EchoformError as error:
        return Unready(str(error))
    return channel


def _smtp(said: Smtp, secret: Secret) -> Channel:
    from .smtp import MailServer

    return MailServer(said, secret(said.password_from), Pace(said.per_second))


def _ses(said: Ses, secret: Secret) -> Channel:
    from .ses import AmazonMail

    return AmazonMail(said, Pace(said.per_second))


def _sns(said: Sns, secret: Secret) -> Channel:
    from .sns import AmazonText

    return AmazonText(said, Pace(said.per_second))


def _hook(said: Hook, secret: Secret) -> Channel:
    from .webhook import Webhook

    return Webhook(said, secret(said.secret_from), Pace(said.per_second))


def _official_account(said: OfficialAccount, secret: Secret) -> Channel:
    from .wechat import TemplateMessages

    return TemplateMessages(said, secret(said.secret_from), Pace(said.per_second))


def _robot(said: Robot, secret: Secret) -> Channel:
    from .wecom import PER_MINUTE, GroupRobot

    return GroupRobot(said, secret(said.key_from), Allowance(PER_MINUTE, 60))


_OPENERS: dict[type[Any], Callable[[Any, Secret], Channel]] = {
    Smtp: _smtp,
    Ses: _ses,
    Sns: _sns,
    Hook: _hook,
    OfficialAccount: _official_account,
    Robot: _robot,
}
