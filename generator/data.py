"""The data an author's machine works on: a folder (default ``data``) or ``s3://bucket/prefix``."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from chalicelib import audit
from chalicelib.published import Definitions, publish
from chalicelib.settings import Settings
from chalicelib.storage import Store, open_store
from chalicelib.survey import Contract, EchoformError
from generator import codebook
from generator.compatibility import breaks, notices


class BreaksLive(EchoformError):
    """A contract would break one that is published. Carries the reasons."""

    def __init__(self, survey: str, reasons: list[str]) -> None:
        super().__init__(
            f"{survey}: this change breaks the published survey, so nothing was published\n"
            + "\n".join(f"  {reason}" for reason in reasons)
        )
        self.survey = survey
        self.reasons = reasons


def settings(place: str) -> Settings:
    """The settings for data at ``place``, as the functions will read them, with all cores.

    A folder keeps its own secret in ``.key``, made on first use and readable by its owner alone.
    For S3 the secret must be in ``ECHOFORM_KEY``: it is the one the functions there have.
    """
    environ = {"ECHOFORM_WORKERS": str(os.cpu_count() or 1), **os.environ, "ECHOFORM_DATA": place}
    if not environ.get("ECHOFORM_KEY"):
        if place.startswith("s3://"):
            raise EchoformError(
                "set ECHOFORM_KEY to the secret of the functions that use this bucket"
            )
        environ["ECHOFORM_KEY"] = own_key(Path(place))
    return Settings.read(environ)


def open_data(place: str) -> Store:
    return open_store(place, os.environ.get("ECHOFORM_S3_ENDPOINT"))


def examined(store: Store, contracts: list[Contract]) -> list[str]:
    """What authors should know of before these go live. Raises BreaksLive; writes nothing."""
    definitions = Definitions(store)
    known = set(definitions.surveys())
    told = []
    for contract in contracts:
        past = definitions.versions(contract.id) if contract.id in known else []
        reasons = [reason for old in past for reason in breaks(old, contract)]
        if reasons:
            raise BreaksLive(contract.id, list(dict.fromkeys(reasons)))
        told += [
            f"{contract.id}: {notice}" for old in past[-1:] for notice in notices(old, contract)
        ]
    return told


def publish_all(store: Store, contracts: list[Contract], now: int) -> list[str]:
    """Make contracts live; says what changed, with what authors should know of it.

    All are checked before any is written, and what goes live is noted before it does, so that one
    that was cut off is whole when it is repeated. Raises BreaksLive; Stale or Exists where somebody
    else publishes at the same time (what went live before that stays; do it again).
    """
    changes = examined(store, contracts)
    definitions = Definitions(store)
    known = set(definitions.surveys())
    for contract in contracts:
        past = definitions.versions(contract.id) if contract.id in known else []
        if past and past[-1].version == contract.version:
            continue
        who = audit.operator()
        audit.record(store, who, "publish", now, contract.id, version=contract.version)
        codebook.write(store, [*past, contract])
        if publish(store, contract, now):
            changes.append(f"{contract.id}: version {contract.version} is live")
    return changes


def own_key(folder: Path, secret: str = "") -> str:
    """The secret of a folder; where it has none yet, this one or a new one becomes it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ".key"
    if not path.exists():
        temporary = folder / f".key-{token_hex(8)}"
        temporary.touch(mode=0o600)
        temporary.write_text(secret or token_hex(32))
        with suppress(FileExistsError):  # another process was first; its secret is the one
            os.link(temporary, path)
        temporary.unlink()
    return path.read_text()
