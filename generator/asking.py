"""Asking a survey's questions one by one in a terminal.

What is visible, offered and wrong is the kernel's to say, as on the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.survey import AnyQuestion, Contract, Field, Invalid, holds, read
from chalicelib.survey.piping import filled
from chalicelib.survey.questions import NA, OTHER, Hidden, Matrix
from chalicelib.survey.rules import Raw, check, coerce
from chalicelib.survey.words import say

BACK = "<"
"""Typed instead of an answer: to the question before."""

WORDS = {
    "zh-CN": {
        "how": "回车跳过选答题，< 返回上一题，Ctrl-C 保存并退出。",
        "one": "输入编号",
        "many": "输入编号，用逗号隔开",
        "order": "按先后输入 {most} 个编号，用逗号隔开",
        "scale": "{low}–{high}",
        "scale_na": "{low}–{high}，不适用请输入 na",
        "number": "数字",
        "date": "日期，如 2026-05-17",
        "text": "文字",
        "true": "同意请输入 y",
        "yes": "是",
        "no": "否",
        "other": "其他",
        "na": "不适用",
        "say_what": "请说明",
    },
    "en": {
        "how": "Enter skips what is optional, < goes back, Ctrl-C keeps the answers and stops.",
        "one": "its number",
        "many": "their numbers, with commas",
        "order": "{most} numbers, the first first, with commas",
        "scale": "{low}–{high}",
        "scale_na": "{low}–{high}, or na",
        "number": "number",
        "date": "date, like 2026-05-17",
        "text": "text",
        "true": "y if they agree",
        "yes": "Yes",
        "no": "No",
        "other": "Other",
        "na": "Not applicable",
        "say_what": "Please say",
    },
}
"""What the terminal says, in the survey's language or English."""

_CODED = ("code", "codes", "order")
_ANSWER_WITH = {
    "code": "one",
    "codes": "many",
    "order": "order",
    "scale": "scale",
    "number": "number",
    "date": "date",
    "true": "true",
}


def ask(
    contract: Contract,
    language: str,
    answers: dict[str, Raw],
    prompt: Callable[[str], str],
    tell: Callable[[str], None],
) -> None:
    """Ask what is visible and not answered yet, one by one; fills ``answers``."""
    form = _Form(contract, language, answers)
    tell(form.word("how"))
    asked: list[str] = []
    place = 0
    while place < len(contract.fields):
        field = contract.fields[place]
        if not form.is_due(field, answers):
            place += 1
            continue
        form.introduce(field, tell)
        typed = prompt(form.wanted(field, answers, tell)) if field.rule else ""
        if typed.strip() == BACK and field.rule:
            if asked:
                place = [f.id for f in contract.fields].index(asked.pop())
                for later in contract.fields[place:]:
                    answers.pop(later.id, None)
            continue
        try:
            value = form.value(field, typed, answers)
        except Invalid as wrong:
            tell(f"  ! {say(language, wrong.code, wrong.facts)}")
            continue
        if field.rule:
            asked.append(field.id)
            answers.pop(field.id, None)
            if value is not None:
                answers[field.id] = value
        place += 1


class _Form:
    """A contract's words and choices in one language."""

    def __init__(self, contract: Contract, language: str, answers: Mapping[str, Raw]) -> None:
        self._contract = contract
        self._answers = answers
        self._language = language
        self._words = WORDS.get(language, WORDS["en"])
        self._questions = {
            field.id: (question, section)
            for section in contract.sections
            for question in section.asked
            for field in question.fields()
        }
        self._leads = {
            question.ratings()[0].id: question
            for section in contract.sections
            for question in section.questions
            if isinstance(question, Matrix)
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
        if field.kind in ("value", "files"):  # worked out; and there is nothing to send a file with
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
        lead = self._leads.get(field.id)
        if lead:
            self._say(lead, "", tell)
        self._say(question, " *" if field.required else "", tell)

    def _say(self, question: AnyQuestion, mark: str, tell: Callable[[str], None]) -> None:
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
        if field.kind == "order":
            return self.word("order", most=rule[3])
        return self.word(_ANSWER_WITH.get(field.kind, "text"))

    def value(self, field: Field, typed: str, answers: dict[str, Raw]) -> Raw:
        """What was typed, as an answer; None where it is nothing. Raises Invalid."""
        if not field.rule:
            return None
        offered = self._offered(field, answers)
        texts = [typed.strip()]
        if field.kind in _CODED:
            words = texts if field.kind == "code" else typed.replace("，", ",").split(",")
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
        if field.kind not in _CODED:
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
        return filled(text.get(self._language) or next(iter(text.values()), ""), self._said)

    def _said(self, name: str) -> str | None:
        """The answer that a text puts in, in words."""
        answer = read(self._contract.fields, self._answers).answers.get(name)
        if answer is None or name not in self._questions:
            return None
        codes = answer if isinstance(answer, list) else [str(answer)]
        return ", ".join(self._choice(self._questions[name][0], code) for code in codes)


def _code(word: str, offered: list[str]) -> str:
    """A choice's code, by its number or itself."""
    if word.isdecimal() and 1 <= int(word) <= len(offered) and word not in offered:
        return offered[int(word) - 1]
    return word
