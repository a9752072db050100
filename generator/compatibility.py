"""What breaks a live survey: whatever would give a stored column a second meaning.

A column is a field's id. It keeps its kind, its ends where it is a scale, its type and its place,
apart from the answers or among them. Everything else may change: texts, choices, order, rules.
"""

from __future__ import annotations

from chalicelib.survey import Contract, Field, Retention


def breaks(live: Contract, new: Contract) -> list[str]:
    """Why the new contract must not follow one that was ever live; empty where it may."""
    reasons = [
        f"`{name}` changes from `{old}` to `{now}`, and {why}"
        for name, old, now, why in _of_the_survey(live, new)
        if old != now
    ]
    asked = {field.id: field for field in new.fields}
    for field in live.fields:
        if field.rule is None:
            continue
        if field.id in new.attributes:
            reasons.append(f"`{field.id}` was a question and becomes an attribute; rename it")
        if field.id in asked and asked[field.id].rule is not None:
            reasons += _changed(field, asked[field.id])
    for name in live.attributes:
        if name in asked:
            reasons.append(f"`{name}` was an attribute and becomes a question; rename it")
    return reasons


def notices(live: Contract, new: Contract) -> list[str]:
    """What stops being asked (old answers stay where they are), and what is kept less long."""
    asked = {field.id: field for field in new.fields if field.rule}
    found = [
        f"{name} are kept for {now} days from now on; purge deletes what is older"
        for name, old, now in _kept(live, new)
        if now is not None and (old is None or now < old)
    ]
    for field in live.fields:
        if not field.rule:
            continue
        if field.id not in asked:
            found.append(f"`{field.id}` is no longer asked; its answers stay")
        elif field.kind == "value" and asked[field.id].rule != field.rule:
            found.append(f"`{field.id}` is calculated otherwise from now on; old values stay")
        elif field.kind in ("code", "codes", "order") and asked[field.id].kind == field.kind:
            kept = (asked[field.id].rule or [])[1]
            gone = [code for code in field.rule[1] if code not in kept]
            found += [f"`{field.id}` no longer offers `{code}`; its answers stay" for code in gone]
    return found


def _kept(live: Contract, new: Contract) -> list[tuple[str, int | None, int | None]]:
    old, now = live.retention or Retention(), new.retention or Retention()
    return [
        ("responses", old.responses, now.responses),
        ("contacts", old.contacts, now.contacts),
    ]


def _of_the_survey(live: Contract, new: Contract) -> list[tuple[str, object, object, str]]:
    return [
        ("id", live.id, new.id, "the id names the survey's data"),
        ("timezone", live.timezone, new.timezone, "answers already lie in days of the old one"),
        ("anonymous", live.anonymous, new.anonymous, "customers answered under the old promise"),
    ]


def _changed(old: Field, new: Field) -> list[str]:
    remedy = "a new meaning needs a new question id"
    found = []
    if _column(old) != _column(new):
        found.append(f"`{old.id}` was {_column(old)} and becomes {_column(new)}; {remedy}")
    if old.personal != new.personal:
        places = {True: "apart from the answers", False: "among the answers"}
        said = f"was kept {places[old.personal]} and would be kept {places[new.personal]}"
        found.append(f"`{old.id}` {said}; {remedy}")
    return found


def _column(field: Field) -> str:
    """What a field's column holds, in words; two that read the same are the same."""
    rule = field.rule or []
    if field.kind == "scale":
        return f"a scale from {rule[1]} to {rule[2]}"
    if field.kind == "number":
        return "a number with decimals" if rule[3] else "a whole number"
    return _HOLDS.get(field.kind, field.kind)


_HOLDS = {
    "code": "one choice",
    "codes": "several choices",
    "order": "choices in order",
    "date": "a date",
    "text": "a text",
    "phone": "a phone number",
    "email": "an e-mail address",
    "true": "a consent",
    "files": "files",
    "value": "a calculated value",
}
