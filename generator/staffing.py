"""The staff pages: one file at ``/staff/`` in every language there are words for.

Built as the respondent's page is, with its style and script in it and a policy that allows those
two alone, but for browsers of today. What it shows comes from the staff API, and everything in it
that a customer typed stays text: the policy forbids the ways in which text becomes markup.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from markupsafe import Markup

from chalicelib.survey import Contract
from chalicelib.survey.questions import YesNo
from generator import site_templates
from generator.colours import palette
from generator.inlining import hashed, javascript, minified
from generator.places import TEMPLATES
from generator.plain import read_plain
from generator.site import Site

_STAFF = TEMPLATES / "staff"

PLACE = "staff"
"""The folder of the site that no survey may be called by."""
LANGUAGES = ("zh-CN", "en")

_SCRIPTS = (
    "saying.js",
    "drawing.js",
    "asking.js",
    "outbox.js",
    "queue.js",
    "detail.js",
    "acting.js",
    "bulk.js",
    "team.js",
    "feedback.js",
    "improvements.js",
    "begin.js",
)
"""In the order in which they stand in one function."""


def staff_pages(contracts: Sequence[Contract], site: Site) -> dict[str, bytes]:
    """The pages by their path in the site."""
    data = {
        "api": f"{site.api}/staff",
        "words": {language: words(language) for language in LANGUAGES},
        "brand": site.name,
        "surveys": {c.id: {"title": c.title, "scales": _scales(c)} for c in contracts},
    }
    style = f"<style>{_style(site)}</style>"
    script = f"<script>{_script()}</script>"
    policy = (
        f"default-src 'none';style-src {hashed(style)};script-src {hashed(script)};"
        "connect-src 'self';img-src data:;form-action 'none';base-uri 'none';"
        "require-trusted-types-for 'script';trusted-types 'none'"
    )
    page = site_templates.of("staff").get_template("page.html")
    html = minified(
        "text/html",
        page.render(
            policy=policy,
            site=site,
            languages=LANGUAGES,
            words=data["words"],
            data=Markup(_island(data)),  # noqa: S704  no tag can begin in it
        ),
    )
    for name, part in (("style.css", style), ("begin.js", script)):
        html = html.replace(f"<link rel=inline href={name}>", part)
    return {f"{PLACE}/index.html": html.encode()}


@cache
def words(language: str) -> Mapping[str, Any]:
    return read_plain(_STAFF / "words" / f"{language}.yaml", dict[str, Any])


def _scales(contract: Contract) -> dict[str, list[float] | str]:
    """By field, the ends of its scale; of whether it was solved, the answer that says it was not.

    The low answers are what a call is about, so they stand first.
    """
    scales: dict[str, list[float] | str] = {
        field.id: [*field.rule[1:3]]
        for field in contract.fields
        if field.rule and field.kind == "scale"
    }
    solved = (q.id for q in contract.questions if isinstance(q, YesNo) and q.role)
    return scales | dict.fromkeys(solved, "no")


def _island(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


@cache
def _script() -> str:
    text = "".join((_STAFF / name).read_text("utf-8") for name in _SCRIPTS)
    return javascript(f"(() => {{ {text} }})()", 2022)


def _style(site: Site) -> str:
    light, dark = (
        ";".join(f"--{name}:{both[mode]}" for name, both in _shades(site).items())
        for mode in (0, 1)
    )
    style = site_templates.of("staff").get_template("style.css")
    font = Markup(site.stack)  # noqa: S704  names only
    return minified("text/css", style.render(light=light, dark=dark, font=font))


def _shades(site: Site) -> Mapping[str, tuple[str, str]]:
    return palette(site.colour, site.dark or "")
