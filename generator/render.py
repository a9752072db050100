"""Rendering: a contract becomes its pages, each one file that needs nothing else.

A question type is drawn by the template of its name. What only some types need of style and script
stands in ``parts/``; the rest is the same for every page. Both are minified once per set of types,
and put in place after the page around them is minified: the Content-Security-Policy names them by
their hashes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import msgspec
from markupsafe import Markup

from chalicelib import uploads
from chalicelib.mending import Shell
from chalicelib.survey import AnyQuestion, Contract, Field
from chalicelib.survey.piping import Pipe, filled, pieces
from chalicelib.survey.questions import Upload
from chalicelib.survey.words import WORDS
from generator import site_templates
from generator.advice import minutes
from generator.colours import palette
from generator.headers import headers_of
from generator.inlining import hashed, javascript, minified
from generator.needs import needs, problems, stripped
from generator.places import TEMPLATES
from generator.site import Site
from generator.wording import Wording
from generator.wordlist import called, direction, words_of

_SURVEY = TEMPLATES / "survey"

_SAID = re.compile(r"\bwords\.(\w+)")

_SPAN = Markup("<span data-v={}>{}</span>")
_TAG = re.compile("<(?=[/!a-z])", re.IGNORECASE)
_SAYS_MINUTES = re.compile(r"分[钟鐘]|minute", re.IGNORECASE)
"""An author's own promise, beside which ours would be one too many."""


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
    context = _context(contract, site, language, up="")
    words = context["words"]
    needed = needs(contract)
    wrong = sorted({code for field in contract.fields for code in problems(field)})
    said = {**words, "thanks": _thanked(contract, language) or context["thanks"]}
    data = [
        [_shipped(field) for field in contract.fields],
        {code: words[code] for code in wrong},
        [said[name] for name in _script(needed)[1]],
    ]
    about = int(minutes(contract, language) + 0.5)
    promise = words["minutes"].format(n=about) if about > 1 else words["minute"]
    facts = {
        "control": _control(contract, site, language),
        "data": _island(data),
        "contract": contract,
        "minutes": "" if _SAYS_MINUTES.search(context["intro"]) else promise,
    }
    return _whole("page.html", context | facts, site, needed)


def _control(
    contract: Contract, site: Site, language: str, marks: Mapping[str, bool] = {}
) -> Callable[[AnyQuestion], Markup]:
    """What draws a question; with ``marks`` as a page without script refers to it."""
    fields = {field.id: field for field in contract.fields}
    words = words_of(language, site.words)
    wording = Wording(contract, language, words)

    def when(field: Field) -> str:
        """The condition of a field in words; what is said of a choice stands beside it."""
        return words["if_applies"] if field.id not in own else wording.label(field.show_if)

    own = {question.id for question in contract.questions}

    def control(question: AnyQuestion) -> Markup:
        kind = str(question.__struct_config__.tag)
        facts = {
            "q": question,
            "type": kind,
            "field": fields.get(question.id),
            "other": fields.get(f"{question.id}_other"),
            "fields": fields,
            "up": "" if language == contract.languages[0] else "../",
            "say": _say(language),
            "words": {**words, **marks, "when": when},
            "kinds": uploads.listed(question) if isinstance(question, Upload) else "",
        }
        template = site_templates.of("survey").get_template(f"questions/{kind}.html")
        return Markup(template.render(facts))  # noqa: S704  autoescaped there

    return control


def _thanked(contract: Contract, language: str) -> list[str | Pipe]:
    """The thanks in pieces, as parts/piping.js takes them; empty where nothing is put in."""
    found = list(pieces((contract.thanks or {}).get(language, "")))
    return found if any(isinstance(piece, Pipe) for piece in found) else []


def _thanks(contract: Contract, site: Site, language: str) -> bytes:
    return _whole("thanks.html", _context(contract, site, language, up="../"), site)


def shells(contract: Contract, site: Site) -> dict[str, Shell]:
    """By language, the page that a plain form with problems gets back, before they are put in."""
    return {language: _shell(contract, site, language) for language in contract.languages}


def _shell(contract: Contract, site: Site, language: str) -> Shell:
    context = _context(contract, site, language, up="") | {"others": []}
    html = _whole("mending.html", context, site, needs(contract)).decode()
    draw = _control(contract, site, language, marks={"marks": True})
    words = context["words"]
    return Shell(
        html,
        headers_of(html.encode())["Content-Security-Policy"],
        {q.id: minified("text/html", draw(q)) for q in contract.questions if q.rule},
        words["submit"],
        words["error"],
        {code: words[code] for code in WORDS["en"]},
    )


def lost_page(contracts: Iterable[Contract], site: Site) -> bytes:
    """What a server shows where there is no page, in every language of the site."""
    languages = list(dict.fromkeys(each for c in contracts for each in c.languages)) or ["en"]
    said = [(language, words_of(language, site.words)) for language in languages]
    context = _about(languages[0], site) | {
        "title": said[0][1]["lost"],
        "others": [],
        "said": said,
        "direction": direction,
    }
    return _whole("lost.html", context, site)


def _about(language: str, site: Site) -> dict[str, Any]:
    """What a page says of its language and brand."""
    return {
        "language": language,
        "direction": direction(language),
        "site": site,
        "words": words_of(language, site.words),
        "say": _say(language),
    }


def _say(language: str) -> Callable[[Mapping[str, str]], Markup]:
    """A text in a language, or in its first."""

    def say(text: Mapping[str, str]) -> Markup:
        lines = (text.get(language) or next(iter(text.values()), "")).split("\n")
        return Markup("<br>").join(map(_piped, lines))

    return say


def _context(contract: Contract, site: Site, language: str, up: str) -> dict[str, Any]:
    """What every page says, in its language. ``up`` leads from the page to the survey's page."""
    home = up if language == contract.languages[0] else f"{up}../"
    leaf = "thanks/" if up else ""
    about = _about(language, site)
    return about | {
        "title": filled(contract.title.get(language, contract.id)),
        "intro": filled((contract.intro or {}).get(language, "")),
        "thanks": filled((contract.thanks or {}).get(language, about["words"]["thanks"])),
        "others": [
            (other, (home + _place(contract, other).split("/", 1)[1] + leaf) or "./")
            for other in contract.languages
            if other != language
        ],
        "spoken": {other: called(other, site.words) for other in contract.languages},
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
    if site.picture:
        needed = (*needed, "logo")
    parts = {
        "style.css": f"<style>{_style(site, needed)}</style>",
        "form.js": f"<script>{_script(needed)[0]}</script>",
    }
    connected = ["'self'"] + [site.uploads] * bool(site.uploads and "upload" in needed)
    own = " 'self'" if "image" in needed else ""
    script = f"script-src {hashed(parts['form.js'])};connect-src {' '.join(connected)};"
    policy = (
        f"default-src 'none';style-src {hashed(parts['style.css'])};"
        f"{script if template == 'page.html' else ''}img-src data:{own};"
        f"form-action 'self';base-uri 'none'"
    )
    page = site_templates.of("survey").get_template(template).render(context, policy=policy)
    html = minified("text/html", page)
    for name, part in parts.items():
        html = html.replace(f"<link rel=inline href={name}>", part)
    return html.encode()


def _text(names: Iterable[str]) -> str:
    """The named files one after another, those that there are."""
    paths = [_SURVEY / name for name in names]
    return "".join(path.read_text("utf-8") for path in paths if path.is_file())


@cache
def _script(parts: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The twin of the kernel and the form, and the names of the words they say, in their order.

    It stands in the head, so that what it will hide is not painted first, and starts when all of
    the page is there. An engine that cannot read ES2015 keeps the plain form; if the script fails,
    the plain form is back.
    """
    own = (f"parts/{part}.js" for part in parts)
    text = stripped(_text(["conditions.js", "form.js", *own, "begin.js"]), parts)
    said = tuple(dict.fromkeys(_SAID.findall(text)))
    names = ",".join(f"words_{name}" for name in said)
    text = _SAID.sub(r"words_\1", text).replace("words] = JSON", f"[{names}]] = JSON")
    script = f"""(root => {{
        root.className = "j";
        document.addEventListener("DOMContentLoaded", () => {{
            try {{{text}}} catch (error) {{ root.className = ""; throw error; }}
        }});
    }})(document.documentElement)"""
    return javascript(script, 2015), said


def _style(site: Site, parts: tuple[str, ...]) -> str:
    return _styled(site.colour, site.dark or "", site.stack, parts)


@cache
def _styled(colour: str, dark: str, font: str, parts: tuple[str, ...]) -> str:
    light, dim = (
        ";".join(f"--{name}:{both[mode]}" for name, both in palette(colour, dark).items())
        for mode in (0, 1)
    )
    template = site_templates.of("survey").get_template("style.css")
    style = template.render(light=light, dark=dim, font=Markup(font))  # noqa: S704  names only
    return minified(
        "text/css", stripped(style, parts) + _text(f"parts/{part}.css" for part in parts)
    )


def _shipped(field: Field) -> list[Any]:
    """A field's row in the page, without the limits that its controls keep by themselves."""
    shipped = row(field)
    kind, *limits = field.rule or [""]
    wrong = set(problems(field))
    plain = kind == "code" or kind == "scale" and not limits[2:]
    if plain or kind == "date" and "days" not in wrong:
        shipped[1] = [kind]
    elif kind == "codes":
        shipped[1] = [kind, 0, *limits[1:]] if wrong & {"few", "many"} else [kind]
    return shipped


def row(field: Field) -> list[Any]:
    """A field as ``read`` in conditions.js takes it, without the defaults at its end."""
    row = [field.id, field.rule, int(field.required), field.show_if, field.end_if, field.choice_if]
    while not row[-1]:
        row.pop()
    return row


def _island(data: object) -> Markup:
    """JSON that no text in it can close, or open, the script element of."""
    return Markup(_TAG.sub(r"\\u003c", msgspec.json.encode(data).decode()))  # noqa: S704
