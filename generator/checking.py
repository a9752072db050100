"""What only shows when a survey is seen as a whole: names taken twice, sums, ends, what is missing.

Works on what was read even where parts of it are missing, so that all problems come at once.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

from chalicelib.columns import ALWAYS, CUSTOMER, RESERVED, has_na, na
from chalicelib.survey import Bands, Field
from chalicelib.survey.formulas import names
from chalicelib.survey.questions import NA, OTHER, Hidden, Multiple, Ranking, Single

from .binding import INDEX, Draft
from .findings import meant
from .notes import Notes, Path
from .piping import check_pipes

MOST_QUESTIONS = 300
_FOLDERS = ("api", "changes", "definitions", "staff", "uploads")
_WORDS = frozenset(word.lower() for word in keyword.kwlist) | {"answered"}

Data: TypeAlias = dict[str, Any]


def check(data: Data, questions: list[Draft], notes: Notes) -> None:
    """Say every problem that lies between the parts of a survey."""
    for one in _CHECKS:
        one(data, questions, notes)


def _ids(data: Data, questions: list[Draft], notes: Notes) -> None:
    sections = [(("sections", s), part) for s, part in enumerate(data.get("sections", []))]
    rules = [(("follow_ups", r), part) for r, part in enumerate(data.get("follow_ups", []))]
    _once(sections, "section", notes)
    _once([(draft.path, draft.data) for draft in questions], "question", notes)
    _once(rules, "rule", notes)


def _once(parts: list[tuple[Any, Data]], thing: str, notes: Notes) -> None:
    seen: dict[str, Path] = {}
    for path, part in parts:
        name = part.get("id")
        if name is None:
            continue
        if name in seen:
            first = notes.spot((*seen[name], "id")).line
            what = f"two {thing}s are called `{name}`, the first on line {first}"
            notes.say((*path, "id"), what, "give one another id")
        seen.setdefault(name, path)


def _columns(data: Data, questions: list[Draft], notes: Notes) -> None:
    """Each field is a column, and so is the tick for N/A beside a scale."""
    attributes = data.get("attributes", [])
    for a, name in enumerate(attributes):
        if name in RESERVED - {CUSTOMER}:
            notes.say(("attributes", a), f"`{name}` is a column of every survey", "rename it")
        if name in attributes[:a]:
            notes.say(("attributes", a), f"`{name}` is there twice", "keep one")
    ids = {str(draft.data.get("id")) for draft in questions}
    for draft in questions:
        here = (*draft.path, "id")
        name = str(draft.data.get("id"))
        if name in RESERVED:
            notes.say(here, f"`{name}` is a column of every survey", "give it another id")
        elif name in attributes:
            notes.say(here, f"`{name}` is an attribute too", "rename one of the two")
        elif name in _WORDS:
            notes.say(here, f"`{name}` is a word of conditions", "give it another id")
        for column in _beside(draft):
            if column in ids or column in RESERVED or column in attributes:
                what = f"`{name}` needs the column `{column}`, and something else has that name"
                notes.say(here, what, "give one another id")


def _beside(draft: Draft) -> Iterator[str]:
    """The columns of a question beside the one named as itself."""
    fields: tuple[Field, ...] = draft.question.fields() if draft.question else ()
    for field in fields:
        if field.id != draft.data["id"]:
            yield field.id
        if has_na(field):
            yield na(field.id)


def _segments(data: Data, questions: list[Draft], notes: Notes) -> None:
    """Segments stand in every table of scores."""
    for draft in questions:
        if draft.data.get("segment") and draft.data.get("personal"):
            here = (*draft.path, "segment")
            notes.say(here, "a personal answer cannot be a segment", "leave `segment` out")
    known = {*data.get("attributes", []), *ALWAYS} - {CUSTOMER}
    known |= {str(draft.data.get("id")) for draft in questions if draft.data.get("segment")}
    seen: list[set[str]] = []
    for p, pair in enumerate(data.get("segments", [])):
        here = ("segments", p)
        for name in pair:
            if name not in known:
                notes.say(here, f"`{name}` is no segment key", meant(name, known))
        if len(set(pair)) < len(pair):
            notes.say(here, f"`{pair[0]}` is there twice", "name two segment keys")
        elif set(pair) in seen:
            notes.say(here, f"{' and '.join(pair)} are a pair already", "keep one")
        seen.append(set(pair))


def _choices(data: Data, questions: list[Draft], notes: Notes) -> None:
    for draft in questions:
        for c, choice in enumerate(draft.data.get("choices", [])):
            if choice.get("code") in (OTHER, NA):
                kept = {OTHER: "write `other: true` instead", NA: "call it something else"}
                what = f"the code `{choice['code']}` is kept for the software"
                notes.say((*draft.path, "choices", c), what, kept[choice["code"]])
            if choice.get("image") and not isinstance(draft.question, Single | Multiple | None):
                what = "only choices in sight have pictures"
                notes.say((*draft.path, "choices", c, "image"), what, "use `single` or `multiple`")


def _measures(questions: list[Draft]) -> Iterator[tuple[Path, Data]]:
    """What may have a dimension and a weight: questions, and the rows of matrices."""
    for draft in questions:
        yield draft.path, draft.data
        for r, row in enumerate(draft.data.get("rows", [])):
            yield (*draft.path, "rows", r), row


def _weights(data: Data, questions: list[Draft], notes: Notes) -> None:
    weighted = [(path, part) for path, part in _measures(questions) if part.get("weight")]
    total = sum(part["weight"] for _, part in weighted)
    if weighted and abs(total - 1) > 1e-9:
        parts = " + ".join(f"{part['weight'] * 100:g}%" for _, part in weighted)
        here = (*weighted[0][0], "weight")
        notes.say(here, f"the weights sum to {total * 100:g}%: {parts}", "make them sum to 100%")
    for r, rule in enumerate(data.get("follow_ups", [])):
        if not weighted and INDEX in str(rule.get("when")).replace("'", " ").split():
            what = "`index` is asked, but no question has a weight"
            notes.say(("follow_ups", r, "when"), what, "give ratings weights that sum to 100%")


def _dimensions(data: Data, questions: list[Draft], notes: Notes) -> None:
    measured = {str(part["dimension"]) for _, part in _measures(questions) if part.get("dimension")}
    for name in data.get("dimensions", {}):
        if name not in measured:
            what = f"no question measures the dimension `{name}`"
            notes.say(("dimensions", name), what, meant(name, measured))


def _roles(data: Data, questions: list[Draft], notes: Notes) -> None:
    taken: dict[str, str] = {}
    for draft in questions:
        role = draft.data.get("role")
        if role in taken:
            what = f"`{taken[role]}` has the role `{role}` already"
            notes.say((*draft.path, "role"), what, "keep one")
        elif role:
            taken[role] = str(draft.data.get("id"))


def _ends(data: Data, questions: list[Draft], notes: Notes) -> None:
    for draft in questions:
        for low, high in (("least", "most"), ("first", "last")):
            least = getattr(draft.question, low, None)
            most = getattr(draft.question, high, None)
            if least is not None and most is not None and least > most:
                key = low if low in draft.data else high
                what = f"`{low}` {least} is above `{high}` {most}"
                notes.say((*draft.path, key), what, "swap or change them")
        question = draft.question
        if isinstance(question, Multiple | Ranking):
            least = question.least if isinstance(question, Multiple) else 1
            for key, wanted in (("least", least), ("most", question.most or 1)):
                if wanted > len(question.codes):
                    what = f"`{key}` is {wanted}, but there are {len(question.codes)} choices"
                    notes.say((*draft.path, key), what, "lower it")


def _bands(data: Data, questions: list[Draft], notes: Notes) -> None:
    bands = data.get("bands", {})
    very = bands.get("very_satisfied", Bands().very_satisfied)
    satisfied = bands.get("satisfied", Bands().satisfied)
    if satisfied >= very:
        what = f"`satisfied` starts at {satisfied}, not below `very_satisfied` at {very}"
        notes.say(("bands",), what, "swap them")


def _answerable(data: Data, questions: list[Draft], notes: Notes) -> None:
    """Nobody can give what is not offered."""
    for draft in questions:
        question = draft.question
        if isinstance(question, Hidden) and question.required and not question.default:
            what = "it is required, but without a default most addresses do not bring it"
            notes.say((*draft.path, "required"), what, "give it a `default`, or leave this out")
        if isinstance(question, Multiple):
            always = sum(choice.show_if is None for choice in question.choices) + question.other
            if question.least > always:
                what = f"{question.least} must be chosen, but only {always} are always offered"
                notes.say((*draft.path, "least"), what, "lower it, or show more choices always")


def _calculated(data: Data, questions: list[Draft], notes: Notes) -> None:
    """A figure made of what is personal is as personal."""
    personal = {
        field.id
        for draft in questions
        for field in (draft.question.fields() if draft.question else ())
        if field.personal
    }
    for draft in questions:
        named = personal.intersection(names(draft.data.get("value", [0])))
        if named and not draft.data.get("personal"):
            what = f"it is made of `{min(named)}`, which is personal"
            notes.say((*draft.path, "value"), what, "add `personal: true`")


def _name(data: Data, questions: list[Draft], notes: Notes) -> None:
    """A survey's pages lie in a folder of its id."""
    if data.get("id") in _FOLDERS:
        notes.say(("id",), f"`{data['id']}` is a folder of every site", "give it another id")


def _zone(data: Data, questions: list[Draft], notes: Notes) -> None:
    name = data.get("timezone")
    if name is None:
        return
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        near = meant(name, available_timezones())
        notes.say(("timezone",), f"there is no time zone `{name}`", near)


def _languages(data: Data, questions: list[Draft], notes: Notes) -> None:
    languages = data.get("languages", [])
    for index, language in enumerate(languages):
        if language in languages[:index]:
            notes.say(("languages", index), f"`{language}` is there twice", "keep one")


def _anonymous(data: Data, questions: list[Draft], notes: Notes) -> None:
    """A photo carries its time, place and camera, whatever we leave out."""
    for draft in questions:
        if data.get("anonymous") and draft.data.get("type") == "upload":
            what = "a file tells who sent it, and this survey is anonymous"
            notes.say((*draft.path, "type"), what, "ask for a text, or leave out `anonymous`")


def _rules(data: Data, questions: list[Draft], notes: Notes) -> None:
    for r, rule in enumerate(data.get("follow_ups", [])):
        if rule.get("verify_with") is not None and rule.get("verify_with") == data.get("id"):
            what = "a survey cannot verify itself"
            notes.say(("follow_ups", r, "verify_with"), what, "name a verification survey")
        if rule.get("verify_days") is not None and rule.get("verify_with") is None:
            what = "nobody is asked whether it helped"
            notes.say(("follow_ups", r, "verify_days"), what, "name a survey in `verify_with`")
        first, resolve = rule.get("first_contact_within"), rule.get("resolve_within")
        if first and resolve and first > resolve:
            what = "the first contact is due after the solution"
            notes.say(("follow_ups", r, "first_contact_within"), what, "make it shorter")


def _calendar(data: Data, questions: list[Draft], notes: Notes) -> None:
    calendar = data.get("calendar") or {}
    opens, _, closes = str(calendar.get("hours", "")).partition("-")
    if closes and opens >= closes:
        what = f"work would end at {closes}, before it begins at {opens}"
        notes.say(("calendar", "hours"), what, "write the earlier time first")
    worked = calendar.get("days", [])
    for d, day in enumerate(worked):
        if day in worked[:d]:
            notes.say(("calendar", "days", d), f"`{day}` is there twice", "keep one")


def _retention(data: Data, questions: list[Draft], notes: Notes) -> None:
    limits = data.get("retention") or {}
    responses, contacts = limits.get("responses"), limits.get("contacts")
    if responses and contacts and contacts > responses:
        what = "contacts would be kept longer than the responses they belong to"
        notes.say(("retention", "contacts"), what, f"keep them {responses}d at most")


def _limits(data: Data, questions: list[Draft], notes: Notes) -> None:
    if len(questions) > MOST_QUESTIONS:
        what = f"the survey has {len(questions)} questions"
        notes.say(questions[MOST_QUESTIONS].path, what, f"ask at most {MOST_QUESTIONS}")


_CHECKS: tuple[Callable[[Data, list[Draft], Notes], None], ...] = (
    _ids,
    _columns,
    _segments,
    _choices,
    _weights,
    _dimensions,
    _roles,
    _ends,
    _bands,
    _answerable,
    _calculated,
    _name,
    _zone,
    _languages,
    _anonymous,
    _rules,
    _calendar,
    _retention,
    _limits,
    check_pipes,
)
