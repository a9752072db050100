"""Pipes in texts: what each may name, and where there can be any.

A text may name what is asked before it, and attributes. What is personal goes into no text after
the survey, and a consent means its words as they stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.survey import Field
from chalicelib.survey.piping import Pipe, pieces
from chalicelib.survey.questions import Consent, Dropdown, Ranking

from .binding import Draft
from .findings import meant
from .notes import Notes, Path

_LABELS = ("low_label", "high_label")


def check_pipes(data: dict[str, Any], questions: list[Draft], notes: Notes) -> None:
    """Say every pipe that leads nowhere."""
    checker = _Checker(data, questions, notes)
    before: dict[str, Field] = {}
    checker.text(data, ("title",), before)
    checker.text(data, ("intro",), before)
    for s, section in enumerate(data.get("sections", [])):
        checker.text(section, ("sections", s, "title"), before)
        for draft in questions:
            if draft.path[1] == s:
                checker.question(draft, before)
                before |= {f.id: f for f in (draft.question.fields() if draft.question else ())}
    public = {name: field for name, field in before.items() if not field.personal}
    checker.text(data, ("thanks",), public)


class _Checker:
    def __init__(self, data: dict[str, Any], questions: list[Draft], notes: Notes) -> None:
        self._notes = notes
        self._attributes = set(data.get("attributes", []))
        self._names = frozenset().union(*(draft.names for draft in questions))

    def text(self, holder: Mapping[str, Any], path: Path, known: Mapping[str, Field]) -> None:
        for pipe in _pipes(holder.get(str(path[-1]))):
            field = known.get(pipe.name)
            if pipe.name in self._attributes or field and field.kind not in ("", "true"):
                continue
            what, remedy = f"`{{{pipe.name}}}` cannot be put in here", "name an earlier question"
            if field:
                remedy = "name a question that has an answer in words or numbers"
            elif pipe.name in self._names:
                what += ": it is asked later, or is personal, or a matrix"
            else:
                what = f"there is no question or attribute `{pipe.name}`"
                remedy = meant(pipe.name, {*known, *self._attributes})
                remedy += f"; `{{{{{pipe.name}}}}}` puts braces"
            self._notes.say(path, what, remedy)

    def question(self, draft: Draft, known: Mapping[str, Field]) -> None:
        never = "a consent means its words as they stand"
        for key in ("text", "hint"):
            if isinstance(draft.question, Consent):
                self._none(draft.data, (*draft.path, key), never)
            else:
                self.text(draft.data, (*draft.path, key), known)
        for key in _LABELS:
            self._none(draft.data, (*draft.path, key), "put it into the question")
        for key in ("choices", "rows"):
            for n, part in enumerate(draft.data.get(key, [])):
                place = (*draft.path, key, n, "text")
                if isinstance(draft.question, Dropdown | Ranking):
                    self._none(part, place, "put it into the question, or use `single`")
                else:
                    self.text(part, place, known)

    def _none(self, holder: Mapping[str, Any], path: Path, remedy: str) -> None:
        for pipe in _pipes(holder.get(str(path[-1]))):
            self._notes.say(path, f"`{{{pipe.name}}}` cannot be put in here", remedy)


def _pipes(text: Any) -> Iterator[Pipe]:
    """The pipes of a text in all its languages, each name once."""
    texts = text.values() if isinstance(text, dict) else ()
    found = [piece for each in texts for piece in pieces(each) if isinstance(piece, Pipe)]
    yield from {pipe.name: pipe for pipe in found}.values()
