"""Where a stage has its things, for the commands that work on it: its stack says so."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from chalicelib.settings import ATHENA
from chalicelib.storage import Store
from generator import account, stacks
from generator.data import open_data
from generator.site_addresses import ADDRESS


class Place(Struct, frozen=True):
    """Where surveys go live."""

    store: Store
    data: str
    """What the store is called: ``s3://…`` or a folder."""
    bucket: str
    """The site's."""
    distribution: str | None
    clients: Mapping[str, Any]
    """Of AWS, by service."""
    athena: str = ATHENA
    """The database and workgroup of analysts."""
    outputs: Mapping[str, str] = {}
    """What the stage's stack says of itself, if it was asked."""


def place_of(stage: str, data: str | None, site: str | None, distribution: str | None) -> Place:
    """Where a stage's surveys go live; what is named is taken instead. The stack is only asked for
    what is not. Raises NoAccount, NoStack."""
    session = account.session()
    told: dict[str, str] = {}
    if not (data and site):
        with account.worded():
            told = stacks.outputs(session.client("cloudformation"), stage)
    named = data or f"s3://{told['DataBucket']}"
    bucket = (site or told["SiteBucket"]).removeprefix("s3://").strip("/")
    # A distribution of the stage serves its own bucket alone.
    front = distribution or (None if site else told.get("Distribution"))
    names = ("s3", "cloudfront", "glue", "athena")
    clients = {name: session.client(name) for name in names}
    athena = told.get("Athena", ATHENA)
    return Place(open_data(named), named, bucket, front, clients, athena, told)


def work_on(stage: str, data: str | None) -> str:
    """Let the rest of a command work on a stage: where its answers lie; what is named is taken
    instead. Raises NoAccount, NoStack.

    What jobs and stores read from the environment (credentials, and of a stage its secret, its
    table of follow-ups, its database and workgroup, its address) is put there, where nobody did.
    """
    if data is not None:
        if data.startswith("s3://"):
            account.session()
        return data
    session = account.session()
    with account.worded():
        told = stacks.outputs(session.client("cloudformation"), stage)
        os.environ.setdefault("ECHOFORM_FOLLOW_UPS", told["FollowUpsTable"])
        os.environ.setdefault("ECHOFORM_ATHENA", told["Athena"])
        if "Address" in told:
            os.environ.setdefault(ADDRESS, told["Address"])
        if not os.environ.get("ECHOFORM_KEY"):
            secrets = session.client("secretsmanager")
            found = secrets.get_secret_value(SecretId=told["PseudonymSecret"])
            os.environ["ECHOFORM_KEY"] = found["SecretString"]
    return f"s3://{told['DataBucket']}"
