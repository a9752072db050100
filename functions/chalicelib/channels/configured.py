"""What ``channels:`` of ``site.yaml`` may say, by channel and by who delivers it (``by``).

Nothing secret stands here: passwords and keys are read from the environment variables that are
named. So the site's record in the store may be read by whoever may read definitions.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

Variable = Annotated[str, Meta(pattern="^[A-Z][A-Z0-9_]{0,99}$")]
"""The name of an environment variable. What is secret stands there, never in the file."""
Address = Annotated[str, Meta(pattern=r"^https?://[^\s/?#]+[^\s#]*$")]
Sender = Annotated[str, Meta(pattern=r"^[^\x00-\x1f]{3,320}$")]
Rate = Annotated[float, Meta(gt=0, le=1000)]


class Outboxed(Struct, frozen=True, tag_field="by", tag="outbox", forbid_unknown_fields=True):
    """Kept in the data under ``outbox/``: nobody is reached."""


class Smtp(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="by",
    tag="smtp",
    forbid_unknown_fields=True,
):
    """A mail server of one's own."""

    host: str
    port: Annotated[int, Meta(ge=1, le=65535)] = 587
    secure: Annotated[str, Meta(pattern="^(starttls|tls|none)$")] = "starttls"
    """``none`` only to this very machine."""
    sender: Sender
    """``care@example.com``, or ``Example <care@example.com>``."""
    reply_to: Sender | None = None
    user: str = ""
    password_from: Variable | None = None
    connections: Annotated[int, Meta(ge=1, le=8)] = 4
    """To the server at a time, at most; ``per_second`` is of all together."""
    per_second: Rate = 10


class Ses(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="by",
    tag="ses",
    forbid_unknown_fields=True,
):
    """Amazon SES, by the role of whoever runs it."""

    sender: Sender
    reply_to: Sender | None = None
    region: str = ""
    configuration_set: str = ""
    """Publishes what became of messages."""
    per_second: Rate = 10


class Sns(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="by",
    tag="sns",
    forbid_unknown_fields=True,
):
    """Text messages by Amazon SNS."""

    region: str = ""
    sender_id: Annotated[str, Meta(pattern="^([A-Za-z0-9]{1,11})?$")] = ""
    country: Annotated[str, Meta(pattern=r"^(\+[1-9][0-9]{0,2})?$")] = ""
    """``+86``: put before numbers that do not begin with a plus."""
    promotional: bool = False
    per_second: Rate = 10


class Hook(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="by",
    tag="webhook",
    forbid_unknown_fields=True,
):
    """Any address that takes signed JSON."""

    url: Address
    secret_from: Variable
    per_second: Rate = 50


class OfficialAccount(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="by",
    tag="official_account",
    forbid_unknown_fields=True,
):
    """Template messages of a WeChat Official Account."""

    app_id: Annotated[str, Meta(pattern="^[A-Za-z0-9]{1,64}$")]
    secret_from: Variable
    templates: dict[str, str]
    """The account's template ids by our kinds of message."""
    api: Address = "https://api.weixin.qq.com"
    per_second: Rate = 20


class Robot(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="by",
    tag="robot",
    forbid_unknown_fields=True,
):
    """A WeCom group's robot, for the staff in that group."""

    key_from: Variable
    api: Address = "https://qyapi.weixin.qq.com"


Email: TypeAlias = Smtp | Ses | Hook | Outboxed
Sms: TypeAlias = Sns | Hook | Outboxed
Wechat: TypeAlias = OfficialAccount | Hook | Outboxed
Webhook: TypeAlias = Hook | Outboxed
Wecom: TypeAlias = Robot | Hook | Outboxed


class Crm(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where a company keeps its customers: what was learnt of them goes back there."""

    url: Address
    secret_from: Variable
    per_second: Rate = 20


class Channels(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Who delivers what. A channel that is not named is the outbox."""

    email: Email = Outboxed()
    sms: Sms = Outboxed()
    wechat: Wechat = Outboxed()
    webhook: Webhook = Outboxed()
    wecom: Wecom = Outboxed()
