"""Answers that staff enter, from a telephone call or an interview: asked one by one in a terminal.

What is asked, offered and wrong is the kernel's to say, as on the page; what was entered goes
through the same accept. Answers that could not be handed in are never lost silently: they are kept
in a file, with the id they will always have, so that handing in the file twice counts once.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec
from msgspec import Struct

from chalicelib.accept import Arrival, Receipt, accept
from chalicelib.published import Definitions
from chalicelib.running import now
from chalicelib.storage import Store
from chalicelib.survey import Contract, Field, Invalid, Refused, Submission, holds, ids, read
from chalicelib.survey.questions import NA, OTHER, Hidden
from chalicelib.survey.rules import Raw, check, coerce
from chalicelib.survey.words import say
from generator.data import open_data
from generator.issuing import Unissuable, attributes, pairs
from generator.local import live
from generator.plain import BadFile

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")

BACK = "<"
"""Typed instead of an answer: to the question before."""

WORDS = {
    "zh-CN": {
        "how": "回车跳过选答题，< 返回上一题，Ctrl-C 保存并退出。",
        "one": "输入编号",
        "many": "输入编号，用逗号隔开",
        "scale": "{low}–{high}",
        "scale_na": "{low}–{high}，不适用请输入 na",
        "number": "数字",
        "date": "日期，如 2026-05-17",
        "text": "文字",
        "true": "同意请输入 y",
        "yes": "是",
        "no": "否",
        "other": "其他",
        "say_what": "请说明",
    },
    "en": {
        "how": "Enter skips what is optional, < goes back, Ctrl-C keeps the answers and stops.",
        "one": "its number",
        "many": "their numbers, with commas",
        "scale": "{low}–{high}",
        "scale_na": "{low}–{high}, or na",
        "number": "number",
        "date": "date, like 2026-05-17",
        "text": "text",
        "true": "y if they agree",
        "yes": "Yes",
        "no": "No",
        "other": "Other",
        "say_what": "Please say",
    },
}
"""What the terminal says, in the survey's language or English."""

_ANSWER_WITH = {
    "code": "one",
    "codes": "many",
    "scale": "scale",
    "number": "number",
    "date": "date",
    "true": "true",
}


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


def ask(
    contract: Contract,
    entry: Entry,
    prompt: Callable[[str], str],
    tell: Callable[[str], None],
) -> None:
    """Ask what is visible and not answered yet, one by one; fills ``entry.answers``."""
    form = _Form(contract, entry.language)
    tell(form.word("how"))
    asked: list[str] = []
    place = 0
    while place < len(contract.fields):
        field = contract.fields[place]
        if not form.is_due(field, entry.answers):
            place += 1
            continue
        form.introduce(field, tell)
        typed = prompt(form.wanted(field, entry.answers, tell)) if field.rule else ""
        if typed.strip() == BACK and field.rule:
            if asked:
                place = [f.id for f in contract.fields].index(asked.pop())
                for later in contract.fields[place:]:
                    entry.answers.pop(later.id, None)
            continue
        try:
            value = form.value(field, typed, entry.answers)
        except Invalid as wrong:
            tell(f"  ! {say(entry.language, wrong.code, wrong.facts)}")
            continue
        if field.rule:
            asked.append(field.id)
            entry.answers.pop(field.id, None)
            if value is not None:
                entry.answers[field.id] = value
        place += 1


class _Form:
    """A contract's words and choices in one language."""

    def __init__(self, contract: Contract, language: str) -> None:
        self._contract = contract
        self._language = language
        self._words = WORDS.get(language, WORDS["en"])
        self._questions = {
            field.id: (question, section)
            for section in contract.sections
            for question in section.questions
            for field in question.fields()
        }
        self._section = ""

    def word(self, name: str, **facts: object) -> str:
        return self._words[name].format(**facts)

    def is_due(self, field: Field, answers: dict[str, Raw]) -> bool:
        """Whether it is visible, and has no answer that was brought along."""
        question, _ = self._questions[field.id]
        if field.id not in read(self._contract.fields, answers).shown:
            answers.pop(field.id, None)
            return False
        if isinstance(question, Hidden):
            if question.default:
                answers.setdefault(field.id, question.default)
            return False
        try:
            return not field.rule or check(field.rule, answers.get(field.id)) is None
        except Invalid:
            return True

    def introduce(self, field: Field, tell: Callable[[str], None]) -> None:
        question, section = self._questions[field.id]
        if section.id != self._section:
            self._section = section.id
            if section.title:
                tell(f"\n== {self._text(section.title)} ==")
        if field.id != question.id:  # "other, please say"
            return
        mark = " *" if field.required else ""
        tell(f"\n{self._text(question.text)}{mark}")
        if question.hint:
            tell(f"  {self._text(question.hint)}")

    def wanted(self, field: Field, answers: dict[str, Raw], tell: Callable[[str], None]) -> str:
        """What to type; choices are listed with their numbers."""
        question, _ = self._questions[field.id]
        if field.id != question.id:
            return self.word("say_what")
        for number, code in enumerate(self._offered(field, answers), 1):
            tell(f"  {number:>2}  {self._choice(question, code)}")
        rule: list[Any] = field.rule or []
        if field.kind == "scale":
            name = "scale_na" if len(rule) > 3 else "scale"
            return self.word(name, low=rule[1], high=rule[2])
        return self.word(_ANSWER_WITH.get(field.kind, "text"))

    def value(self, field: Field, typed: str, answers: dict[str, Raw]) -> Raw:
        """What was typed, as an answer; None where it is nothing. Raises Invalid."""
        if not field.rule:
            return None
        offered = self._offered(field, answers)
        texts = [typed.strip()]
        if field.kind in ("code", "codes"):
            words = typed.replace("，", ",").split(",") if field.kind == "codes" else texts
            texts = [_code(word.strip(), offered) for word in words if word.strip()]
        elif field.kind == "true":
            texts = ["true" if typed.strip().lower() in ("y", "yes", "是") else ""]
        elif field.kind == "scale":
            texts = [NA if typed.strip().lower() == NA else typed.strip()]
        rule = [field.rule[0], offered, *field.rule[2:]] if offered else field.rule
        value = check(rule, coerce(rule, texts))
        if value is None and field.required:
            raise Invalid("required")
        return value

    def _offered(self, field: Field, answers: dict[str, Raw]) -> list[str]:
        """The codes on offer; none where nothing is chosen from."""
        if field.kind not in ("code", "codes"):
            return []
        known = read(self._contract.fields, answers).answers
        hidden = {code for code, when in field.choice_if.items() if not holds(when, known)}
        return [code for code in (field.rule or [])[1] if code not in hidden]

    def _choice(self, question: Any, code: str) -> str:
        texts = {choice.code: choice.text for choice in getattr(question, "choices", ())}
        if code in texts:
            return self._text(texts[code])
        return self.word(code) if code in (OTHER, "yes", "no") else code

    def _text(self, text: Mapping[str, str]) -> str:
        return text.get(self._language) or next(iter(text.values()), "")


def _code(word: str, offered: list[str]) -> str:
    """A choice's code, by its number or itself."""
    if word.isdecimal() and 1 <= int(word) <= len(offered) and word not in offered:
        return offered[int(word) - 1]
    return word


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
            ask(contract, entry, _prompt, click.echo)
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
