"""Where a stage has its things, and how its releases are listed: for the commands that publish."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime

from chalicelib.settings import ATHENA
from generator import account, releases, stacks
from generator.data import open_data
from generator.publishing import Place
from generator.site_addresses import ADDRESS


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


def data_of(stage: str, data: str | None) -> str:
    """Where a stage's answers lie; what is named is taken instead. Raises NoAccount, NoStack.

    What else is asked for by the environment (its secret, its table of follow-ups, its database and
    workgroup, its address) is put there, where nobody did.
    """
    if data is not None and not data.startswith("s3://"):
        return data
    session = account.session()
    if data is not None:
        return data
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


def listed(data: str) -> Iterator[str]:
    """Every release, the latest first, in a line or more."""
    store = open_data(data)
    pointer, _ = releases.pointer(store)
    found = releases.every(store)
    for each in found:
        at = datetime.fromtimestamp(each.at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
        what = f", release {each.of} again" if each.of else ""
        yield f"{each.number}  {at}  {each.by}  {_standing(each.number, pointer)}{what}"
        for survey, version in sorted(each.versions.items()):
            yield f"   {survey} {version}"
    if not found:
        yield "nothing was published yet"


def _standing(number: int, pointer: releases.Pointer) -> str:
    if number == pointer.live:
        return "live"
    return "was live" if number in pointer.done else "was not finished"
