"""Answers that staff enter, from a telephone call or an interview.

What was entered goes through the same accept as every answer. Answers that could not be handed in
are never lost silently: they are kept in a file, with the id they will always have, so that handing
in the file twice counts once.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import msgspec
from msgspec import Struct

from chalicelib.accept import Arrival, Receipt, accept
from chalicelib.published import Definitions
from chalicelib.running import now
from chalicelib.storage import Store
from chalicelib.survey import Contract, Refused, Submission, ids
from chalicelib.survey.rules import Raw
from chalicelib.survey.words import say
from generator.asking import ask
from generator.data import open_data
from generator.issuing import Unissuable, attributes, pairs
from generator.local import live
from generator.plain import BadFile

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


class Entry(Struct, kw_only=True, forbid_unknown_fields=True):
    """Answers being entered, as they are kept in a file: an id, and what was answered so far."""

    id: str = ""
    version: str = ""
    language: str = ""
    answers: dict[str, Raw] = {}


class Circumstances(NamedTuple):
    """How an answer came, beside what was answered."""

    channel: str
    by: str
    recording_consent: bool | None
    attributes: Mapping[str, str]
    link: str | None = None


def new_entry(contract: Contract, language: str, at: int) -> Entry:
    """Nothing answered yet; the id is minted here, once."""
    return Entry(
        id=ids.make(at, secrets.randbits(80)),
        version=contract.version,
        language=language or contract.languages[0],
    )


def read_entry(path: Path, fresh: Entry) -> Entry:
    """What a file holds; parts it leaves out are those of ``fresh``. Raises BadFile."""
    try:
        entry = msgspec.json.decode(path.read_bytes(), type=Entry)
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadFile(f"{path}: {error}") from None
    return Entry(
        id=entry.id or fresh.id,
        version=entry.version or fresh.version,
        language=entry.language or fresh.language,
        answers=entry.answers,
    )


def keep(entry: Entry, survey: str) -> Path:
    """Keep an entry in a file of this folder, for its owner's eyes; the same file each time."""
    path = Path(f"{survey}-{entry.id}.json")
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(handle, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(entry), indent=2))
        file.flush()
        os.fsync(file.fileno())
    return path


def hand_in(
    store: Store, survey: str, entry: Entry, circumstances: Circumstances, at: int
) -> Receipt:
    """Through the door that every answer takes. Raises Refused, StorageError."""
    submission = Submission(
        id=entry.id,
        version=entry.version,
        language=entry.language,
        answers=entry.answers,
        link=circumstances.link,
    )
    arrival = Arrival(
        now=at,
        channel=circumstances.channel,
        attributes=circumstances.attributes,
        entered_by=circumstances.by,
        recording_consent=circumstances.recording_consent,
    )
    return accept(store, Definitions(store), survey, submission, arrival)


def run_enter(
    survey: str,
    words: Sequence[str],
    channel: str,
    by: str,
    recording_consent: str | None,
    code: str | None,
    language: str,
    resume: Path | None,
    from_json: Path | None,
    data: str,
) -> bool:
    """Ask, hand in, and say what became of it; whether it was accepted."""
    if resume and from_json:
        raise Unissuable("--resume asks what is missing, --from-json asks nothing: take one")
    store = open_data(data)
    contract = live(store, survey)
    told = Circumstances(
        channel=_plain_code("channel", channel),
        by=_plain_code("by", by),
        recording_consent=None if recording_consent is None else recording_consent == "yes",
        attributes=attributes(contract, pairs(words)),
        link=code,
    )
    if language and language not in contract.languages:
        raise Unissuable(f"{contract.id} is not in {language}: {', '.join(contract.languages)}")
    entry = new_entry(contract, language, now())
    if kept := resume or from_json:
        entry = read_entry(kept, entry)
    if resume:
        entry.version = contract.version  # what is missing is asked of the survey as it is now
    try:
        if not from_json:
            if contract.intro:
                click.echo(contract.intro.get(entry.language, ""))
            ask(contract, entry.language, entry.answers, _prompt, click.echo)
        receipt = hand_in(store, contract.id, entry, told, now())
    except BaseException as why:  # Ctrl-C, the end of the input, storage that fails: all alike
        if not from_json:
            _say_kept(keep(entry, contract.id), contract)
        if not isinstance(why, Refused):
            raise
        for line in _lines(why, entry.language):
            click.echo(line)
        return False
    click.echo(f"{receipt.response}: {'it was there already' if receipt.replay else 'stored'}")
    return True


def _plain_code(name: str, text: str) -> str:
    if not _CODE.fullmatch(text):
        raise Unissuable(f"--{name}: a short code of letters, digits, dash, dot or underscore")
    return text


def _prompt(text: str) -> str:
    return str(click.prompt(text, default="", show_default=False, prompt_suffix="> "))


def _lines(refused: Refused, language: str) -> list[str]:
    """A refusal in words: each problem with its question, else what is the matter."""
    problems = [f"{p.question}: {say(language, p.code, p.facts)}" for p in refused.problems]
    return problems or [say(language, refused.code)]


def _say_kept(path: Path, contract: Contract) -> None:
    click.echo(f"\nNothing was handed in. The answers so far are in {path}; go on with", err=True)
    click.echo(f"  echoform enter {contract.id} --resume {path} …", err=True)
