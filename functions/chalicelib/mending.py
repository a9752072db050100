"""The page a plain form gets back when something is wrong with it: mend just that, and send again.

The generator draws it where the survey's own pages are drawn, and lays it beside the contract:
brand, words and each question's controls (a *shell*). Here the problems, and what was answered, are
put in; so functions know no template, and read a shell only for a form that has a problem. What was
right travels along in hidden fields: nothing is typed twice, without script and without cookie.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import TypeAlias

import msgspec
from msgspec import Struct

from . import keys
from .storage import Missing, Store
from .survey import AnyQuestion, Contract, Refused
from .survey.words import WORDS, nearest

Posted: TypeAlias = Mapping[str, Sequence[str]]

LINK = "_link"
"""The field that keeps the link's code: this page's own address does not know it."""

_FINAL = frozenset({"already_answered", "gone", "not_found"})
"""Refusals after which there is nothing to go back to."""
_CONTROL = re.compile(r"<(input|textarea|option)\b([^>]*)>")
_ATTRIBUTE = re.compile(r'\b(name|value|type)="?([\w-]+)')


class Shell(Struct, frozen=True):
    """A page without its content, in one language of one version of a survey."""

    html: str
    """With ``{error}``, ``{heading}`` and ``{content}``."""
    policy: str
    questions: dict[str, str] = {}
    """The controls of every question, by its id."""
    submit: str = ""
    error: str = ""
    """What the title begins with where there is something to mend."""
    words: dict[str, str] = {}


_DECODER = msgspec.json.Decoder(Shell)

_BARE = Shell(
    '<!doctype html><html lang="{language}"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width,initial-scale=1">'
    "<title>{heading}</title><main>{content}</main></html>",
    "default-src 'none';frame-ancestors 'none'",
)


def shell_of(store: Store, contract: Contract, language: str) -> Shell | None:
    """The shell the generator has laid there, if it has."""
    try:
        return _DECODER.decode(store.get(keys.shell(contract.id, contract.version, language)).data)
    except (Missing, msgspec.MsgspecError):
        return None


def words_of(language: str, shell: Shell | None) -> Mapping[str, str]:
    """What the server says. A shell knows languages that the kernel does not."""
    return shell.words if shell and shell.words else WORDS[nearest(language, WORDS)]


def mending_page(
    refused: Refused,
    language: str,
    contract: Contract | None,
    shell: Shell | None,
    posted: Posted,
) -> tuple[str, str]:
    """The page and its policy. ``posted`` is the form as it came, with the link's code."""
    shell = shell or _BARE
    words = words_of(language, shell)
    asked = {
        field.id: question
        for question in (contract.questions if contract else ())
        for field in question.fields()
    }
    wrong = {
        asked[p.question].id: asked[p.question] for p in refused.problems if p.question in asked
    }
    said = {p.question: words[p.code].format(**p.facts) for p in refused.problems}
    drawn = (
        bool(wrong)
        and all(name in asked for name in said)
        and wrong.keys() <= shell.questions.keys()
    )

    items = ""
    for name, problem in said.items():
        title = asked[name].text.get(language, name) if name in asked else name
        line = escape(f"{title} — {problem}")
        anchor = f'<a href="#{name}-Q">{line}</a>' if drawn else line
        items += f"<li>{anchor}</li>"
    heading = escape(words[refused.code])
    final = refused.code in _FINAL
    kind = 'class="p"' if final else 'class="x" role="alert"'
    content = f"<div {kind}><h2>{heading}</h2>{items and f'<ul>{items}</ul>'}</div>"
    if drawn:
        content += _form(wrong, said, shell, posted, asked)
    elif not final:
        content += f"<p>{escape(words['go_back'])}</p>"
    html = shell.html.replace("{language}", escape(language or "en"))
    html = html.replace("{error}", "" if final else escape(shell.error))
    return html.replace("{heading}", heading).replace("{content}", content), shell.policy


def _form(
    wrong: Mapping[str, AnyQuestion],
    said: Mapping[str, str],
    shell: Shell,
    posted: Posted,
    asked: Mapping[str, AnyQuestion],
) -> str:
    """The questions to mend, as they were answered; the other answers hidden beside them."""
    kept = "".join(
        f'<input type="hidden" name="{name}" value="{escape(text)}">'
        for name, texts in posted.items()
        if name.startswith("_") or name in asked and asked[name].id not in wrong
        for text in texts
    )
    drawn = "".join(_refilled(shell.questions[name], name, posted) for name in wrong)
    for name, problem in said.items():
        drawn = drawn.replace(f"<b id={name}-E></b>", f"<b id={name}-E>{escape(problem)}</b>", 1)
    button = f'<div class="b"><button id="Next">{escape(shell.submit)}</button></div>'
    return f'<form method="post">{kept}{drawn}{button}</form>'


def _refilled(controls: str, question: str, posted: Posted) -> str:
    """Controls with what was posted in them."""

    def fill(match: re.Match[str]) -> str:
        tag, attributes = match.groups()
        known = dict(_ATTRIBUTE.findall(attributes))
        texts = posted.get(known.get("name", question), [])
        if tag == "option" or known.get("type") in ("radio", "checkbox"):
            mark = " selected" if tag == "option" else " checked"
            return f"<{tag}{attributes}{mark * (known.get('value', '') in texts)}>"
        text = escape(texts[-1]) if texts else ""
        return (
            f"<textarea{attributes}>{text}"
            if tag == "textarea"
            else (f'<{tag}{attributes} value="{text}">' if text else match[0])
        )

    return _CONTROL.sub(fill, controls)
