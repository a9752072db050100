"""What a new version of a survey changes for those who answer it, in words for its author.

What becomes of stored answers is said by ``compatibility``; this is read before publishing, by
somebody who wants to know whether the file says what was meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from chalicelib.survey import AnyQuestion, Contract

_SHORT = 60
_TEXTS = ("text", "hint", "low_label", "high_label", "title")
_SAID = {
    "required": ("must be answered", "may be left out"),
    "personal": ("is personal", "is not personal any more"),
    "na": ('may be answered "not applicable"', 'has no "not applicable" any more'),
    "other": ('may be answered "other"', 'has no "other" any more'),
}
"""What it is to turn something on, and off."""


def differences(live: Contract, new: Contract) -> list[str]:
    """One line for each thing that was changed; empty where nothing a reader sees was."""
    old, now = _questions(live), _questions(new)
    found = [*_of_the_survey(live, new)]
    found += [f"`{name}` is new: {_quoted(now[name])}" for name in now if name not in old]
    found += [f"`{name}` is gone" for name in old if name not in now]
    for name in now:
        if name in old and old[name] != now[name]:
            found += [f"`{name}` {line}" for line in _changed(old[name], now[name])]
    both = [name for name in old if name in now]
    if both != [name for name in now if name in old]:
        found.append("questions come in another order")
    return found


def _of_the_survey(live: Contract, new: Contract) -> Iterator[str]:
    for kind, was, are in (
        ("language", live.languages, new.languages),
        ("attribute", live.attributes, new.attributes),
        ("section", [s.id for s in live.sections], [s.id for s in new.sections]),
        ("rule", [r.id for r in live.follow_ups], [r.id for r in new.follow_ups]),
    ):
        yield from (f"{kind} `{name}` is new" for name in are if name not in was)
        yield from (f"{kind} `{name}` is gone" for name in was if name not in are)
    for name, text, other in (
        ("its title", live.title, new.title),
        ("its introduction", live.intro, new.intro),
        ("its thanks", live.thanks, new.thanks),
    ):
        yield from (f"{name} {line}" for line in _reworded(text, other))
    rules = {rule.id: rule for rule in live.follow_ups}
    for rule in new.follow_ups:
        if rule.id in rules and rules[rule.id] != rule:
            yield f"rule `{rule.id}` is another: {_named(rules[rule.id], rule)}"
    sections = {section.id: section for section in live.sections}
    for section in new.sections:
        if was_there := sections.get(section.id):
            for line in _reworded(was_there.title, section.title):
                yield f"section `{section.id}` {line}"
            if (was_there.show_if, was_there.end_if) != (section.show_if, section.end_if):
                yield f"section `{section.id}` is shown, or ends, by another condition"
    rest = {"id", "title", "intro", "thanks", "languages", "attributes", "sections", "follow_ups"}
    for name in Contract.__struct_fields__:
        if name not in rest and getattr(live, name) != getattr(new, name):
            yield f"`{name}` of the survey is another"


def _changed(old: AnyQuestion, new: AnyQuestion) -> Iterator[str]:
    """Of two questions with one id; everything that no text or choice says is named."""
    was, now = msgspec.to_builtins(old), msgspec.to_builtins(new)
    rest = []
    for name in sorted({*was, *now}):
        before, after = was.get(name), now.get(name)
        if before == after:
            continue
        if name in _TEXTS:
            label = "" if name == "text" else f"({name}) "
            yield from (label + line for line in _reworded(before, after))
        elif name == "choices":
            yield from _choices(before or [], after or [])
        elif name in _SAID:
            yield _SAID[name][not after]
        else:
            rest.append(name)
    if rest:
        yield f"has other {', '.join(rest)}"


def _choices(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> Iterator[str]:
    was, now = ({choice["code"]: choice for choice in each} for each in (old, new))
    yield from (f"offers `{code}`" for code in now if code not in was)
    yield from (f"no longer offers `{code}`" for code in was if code not in now)
    for code, choice in now.items():
        if code not in was or was[code] == choice:
            continue
        lines = [*_reworded(was[code]["text"], choice["text"])]
        yield from (f"choice `{code}` {line}" for line in lines or ["has another condition"])
    if [code for code in was if code in now] != [code for code in now if code in was]:
        yield "offers its choices in another order"


def _reworded(old: Mapping[str, str] | None, new: Mapping[str, str] | None) -> Iterator[str]:
    old, new = old or {}, new or {}
    for language in {**old, **new}:
        was, now = old.get(language, ""), new.get(language, "")
        if was != now and was and now:
            yield f"reads “{_cut(now)}” in {language}, not “{_cut(was)}”"
        elif was != now and old and new:
            yield f"is {'no longer' if was else 'also'} in {language}"
        elif was != now:
            yield f"is {'left out' if was else 'new'} in {language}"


def _questions(contract: Contract) -> dict[str, AnyQuestion]:
    return {question.id: question for question in contract.questions}


def _quoted(question: AnyQuestion) -> str:
    said = next(iter(question.text.values()), "")
    return f"“{_cut(said)}”" if said else str(question.__struct_config__.tag)


def _named(old: Any, new: Any) -> str:
    return ", ".join(n for n in new.__struct_fields__ if getattr(old, n) != getattr(new, n))


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHORT else line[: _SHORT - 1] + "…"
