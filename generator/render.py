"""Rendering: a contract becomes its pages, each one file that needs nothing else.

A question type is drawn by the template of its name. What only some types need of style and script
stands in ``parts/``; the rest is the same for every page. Both are minified once per set of types,
and put in place after the page around them is minified: the Content-Security-Policy names them by
their hashes.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from hashlib import sha256
from typing import Any

import minify
import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from chalicelib.survey import AnyQuestion, Contract, Field
from chalicelib.survey.piping import Pipe, filled, pieces
from chalicelib.survey.questions import Matrix, Offering
from chalicelib.survey.words import WORDS
from generator.places import TEMPLATES
from generator.plain import read_plain
from generator.site import Site, palette

_SURVEY = TEMPLATES / "survey"

_PROBLEMS = {
    "code": ["choice"],
    "codes": ["choice", "few", "many"],
    "order": ["choice", "few", "many"],
    "scale": [],
    "number": ["number", "range", "decimals"],
    "date": ["date", "days"],
    "text": ["short", "long"],
    "phone": ["phone", "long"],
    "email": ["email", "long"],
    "true": [],
    "value": [],
}
"""What can be wrong with an answer that a control of the page gives, by the kind of its rule."""

_SCRIPTED = (
    *("next", "submit", "step", "required", "problems", "error", "restored", "appeared"),
    *("sending", "sent", "saved", "offline", "crowded", "reopen", "stay", "ended"),
)
"""The words the script says."""

_SCRIPTED_BY = {"piping": ("comma",), "order": ("ranked", "unranked", "earlier", "later")}
"""Those that only some parts of it say."""

_SPAN = Markup("<span data-v={}>{}</span>")
_TAG = re.compile("<(?=[/!a-z])", re.IGNORECASE)

Words = Mapping[str, Any]


def pages(contract: Contract, site: Site) -> dict[str, bytes]:
    """Every page of a survey, by its path in the site: one and its thanks page per language."""
    files: dict[str, bytes] = {}
    for language in contract.languages:
        place = _place(contract, language)
        files[f"{place}index.html"] = _page(contract, site, language)
        files[f"{place}thanks/index.html"] = _thanks(contract, site, language)
    return files


def _place(contract: Contract, language: str) -> str:
    return f"{contract.id}/" + (f"{language}/" if language != contract.languages[0] else "")


def _page(contract: Contract, site: Site, language: str) -> bytes:
    fields = {field.id: field for field in contract.fields}
    context = _context(contract, site, language, up="")
    words = context["words"]

    def control(question: AnyQuestion) -> Markup:
        kind = str(question.__struct_config__.tag)
        facts = {
            "q": question,
            "type": kind,
            "field": fields.get(question.id),
            "other": fields.get(f"{question.id}_other"),
            "fields": fields,
            "up": "" if language == contract.languages[0] else "../",
            "say": context["say"],
            "words": words,
        }
        return Markup(_templates().get_template(f"questions/{kind}.html").render(facts))  # noqa: S704  autoescaped there

    problems = {code for field in contract.fields for code in _PROBLEMS.get(field.kind, [])}
    said = [key for part in _parts(contract) for key in _SCRIPTED_BY.get(part, ())]
    data = [
        [row(field) for field in contract.fields],
        {key: words[key] for key in (*_SCRIPTED, *said, *sorted(problems))}
        | {"thanks": _thanked(contract, language) or context["thanks"]},
    ]
    return _whole(
        "page.html",
        context | {"control": control, "data": _island(data), "contract": contract},
        site,
        _parts(contract),
    )


def _thanked(contract: Contract, language: str) -> list[str | Pipe]:
    """The thanks in pieces, as parts/piping.js takes them; empty where nothing is put in."""
    found = list(pieces((contract.thanks or {}).get(language, "")))
    return found if any(isinstance(piece, Pipe) for piece in found) else []


def _thanks(contract: Contract, site: Site, language: str) -> bytes:
    return _whole("thanks.html", _context(contract, site, language, up="../"), site)


def _context(contract: Contract, site: Site, language: str, up: str) -> dict[str, Any]:
    """What every page says, in its language. ``up`` leads from the page to the survey's page."""
    home = up if language == contract.languages[0] else f"{up}../"
    leaf = "thanks/" if up else ""
    words = _words(language)

    def say(text: Mapping[str, str]) -> Markup:
        lines = (text.get(language) or next(iter(text.values()), "")).split("\n")
        return Markup("<br>").join(map(_piped, lines))

    return {
        "language": language,
        "title": filled(contract.title.get(language, contract.id)),
        "intro": filled((contract.intro or {}).get(language, "")),
        "thanks": filled((contract.thanks or {}).get(language, str(words["thanks"]))),
        "others": [
            (other, (home + _place(contract, other).split("/", 1)[1] + leaf) or "./")
            for other in contract.languages
            if other != language
        ],
        "spoken": {other: _spoken(other) for other in contract.languages},
        "site": site,
        "say": say,
        "words": words,
    }


def _piped(line: str) -> Markup:
    """A line as markup: what is put in stands as its fallback, until the script knows better."""
    return Markup("").join(
        piece if isinstance(piece, str) else _SPAN.format(*piece) for piece in pieces(line)
    )


def _whole(
    template: str, context: dict[str, Any], site: Site, needed: tuple[str, ...] = ()
) -> bytes:
    """A page with its style and script in it, and the policy that allows them and nothing else."""
    parts = {
        "style.css": f"<style>{_style(site.colour, needed)}</style>",
        "start.js": f"<script>{_start()}</script>",
        "form.js": f"<script>{_script(needed)}</script>",
    }
    own = " 'self'" if "image" in needed else ""
    policy = (
        f"default-src 'none';style-src {_hash(parts['style.css'])};"
        f"script-src {_hash(parts['start.js'])} {_hash(parts['form.js'])};img-src data:{own};"
        f"connect-src 'self';form-action 'self';base-uri 'none'"
    )
    page = _templates().get_template(template).render(context, policy=policy)
    html = _minified("text/html", page)
    for name, part in parts.items():
        html = html.replace(f"<link rel=inline href={name}>", part)
    return html.encode()


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(_SURVEY),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


@cache
def _words(language: str) -> Words:
    """The page's own words and those for problems; English where a language has none."""
    own = _SURVEY / "words" / f"{language}.yaml"
    if not own.is_file():
        own = _SURVEY / "words" / "en.yaml"
    return {**WORDS.get(language, WORDS["en"]), **read_plain(own, dict[str, Any])}


@cache
def _spoken(language: str) -> str:
    """What a language calls itself; its code where nobody has told us."""
    known = (_SURVEY / "words" / f"{language}.yaml").is_file()
    return str(_words(language)["language"]) if known else language


def _parts(contract: Contract) -> tuple[str, ...]:
    """What a survey has that not all have, kinds of rules and question types too: what only such
    surveys need of style and script, only they carry."""
    kinds = sorted({field.kind for field in contract.fields if field.rule})
    types = sorted({str(question.__struct_config__.tag) for question in _drawn(contract)})
    others = [part for part, needs in _NEEDED.items() if needs(contract)]
    return tuple(dict.fromkeys([*kinds, *types, *others]))


def _drawn(contract: Contract) -> Iterator[AnyQuestion]:
    """The questions as the page draws them: a matrix is one."""
    return (question for section in contract.sections for question in section.questions)


def _has_pictures(contract: Contract) -> bool:
    choices = (c for q in _drawn(contract) if isinstance(q, Offering) for c in q.choices)
    return any(choice.image for choice in choices)


def _may_hide_a_matrix(contract: Contract) -> bool:
    matrices = [question for question in _drawn(contract) if isinstance(question, Matrix)]
    ends = any(field.end_if for field in contract.fields)
    return any(matrix.show_if or ends for matrix in matrices)


_NEEDED: dict[str, Callable[[Contract], bool]] = {
    "matrix_if": _may_hide_a_matrix,
    "image": _has_pictures,
    "piping": lambda contract: bool(contract.piped),
}
"""What of ``parts/`` belongs to no one kind or type, and who needs it."""


def _text(names: Iterable[str]) -> str:
    """The named files one after another, those that there are."""
    paths = [_SURVEY / name for name in names]
    return "".join(path.read_text("utf-8") for path in paths if path.is_file())


@cache
def _script(parts: tuple[str, ...]) -> str:
    """The twin of the kernel and the form, in one function; if it fails, the plain form is back."""
    own = (f"parts/{part}.js" for part in parts)
    text = _text(["conditions.js", "form.js", *own, "begin.js"])
    back = 'document.documentElement.className="";throw error'
    return _javascript(f'(()=>{{"use strict";try{{{text}}}catch(error){{{back}}}}})()')


@cache
def _start() -> str:
    return _javascript((_SURVEY / "start.js").read_text("utf-8"))


def _javascript(text: str) -> str:
    minify.config({"js-version": 2015})
    return _minified("application/javascript", text)


def _minified(kind: str, text: str) -> str:
    return str(minify.string(kind, text))


@cache
def _style(colour: str, parts: tuple[str, ...]) -> str:
    light, dark = (
        ";".join(f"--{name}:{both[mode]}" for name, both in palette(colour).items())
        for mode in (0, 1)
    )
    style = _templates().get_template("style.css").render(light=light, dark=dark)
    return _minified("text/css", style + _text(f"parts/{part}.css" for part in parts))


@cache
def _hash(part: str) -> str:
    """A CSP source for an inline element: the hash of what stands between its tags."""
    text = part[part.index(">") + 1 : part.rindex("<")]
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def row(field: Field) -> list[Any]:
    """A field as ``read`` in conditions.js takes it, without the defaults at its end."""
    row = [field.id, field.rule, int(field.required), field.show_if, field.end_if, field.choice_if]
    while not row[-1]:
        row.pop()
    return row


def _island(data: object) -> Markup:
    """JSON that no text in it can close, or open, the script element of."""
    return Markup(_TAG.sub(r"\\u003c", msgspec.json.encode(data).decode()))  # noqa: S704
