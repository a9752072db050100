"""The staff pages as built: small, shut, readable in light and dark, said in both languages."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from generator.colours import contrast, illegible, palette, shades_of
from generator.headers import headers_of
from generator.places import TEMPLATES
from generator.site import Site
from generator.staffing import LANGUAGES, staff_pages, words
from tests.surveys import after_sales, kitchen_sink, text

FOLDER = TEMPLATES / "staff"
STYLE = (FOLDER / "style.css").read_text("utf-8")
SCRIPTS = "".join(path.read_text("utf-8") for path in sorted(FOLDER.glob("*.js")))
PAGE = staff_pages([after_sales(), kitchen_sink()], Site())["staff/index.html"]
SHADES = shades_of(STYLE) | palette(Site().colour)


def flat(said: Mapping[str, Any], before: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in said.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{before}{name}.")
        else:
            found[before + name] = value
    return found


def test_all_of_it_is_one_file_of_thirty_thousand_bytes_at_most() -> None:
    assert len(gzip.compress(PAGE, 9)) <= 30_000
    assert not re.search(rb"<(script|link|img)[^>]+(src|href)=[\"']?(https?:)?/", PAGE)


def test_its_policy_allows_its_own_script_and_style_and_no_markup_made_of_text() -> None:
    headers = headers_of(PAGE)
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("sink", ["innerHTML", "outerHTML", "insertAdjacent", "document.write"])
def test_no_script_makes_markup_of_text(sink: str) -> None:
    assert sink not in SCRIPTS


def test_a_title_that_is_hostile_ends_no_tag() -> None:
    survey = replace(after_sales(), title=text("</script><b>", "</script><b>"))
    assert b"</script><b>" not in staff_pages([survey], Site())["staff/index.html"]


def test_every_word_is_there_in_every_language_with_the_same_facts() -> None:
    said = {language: flat(words(language)) for language in LANGUAGES}
    english = said["en"]
    for each in said.values():
        assert each.keys() == english.keys()
        for name, value in each.items():
            assert set(re.findall(r"\{\w+\}", value)) == set(re.findall(r"\{\w+\}", english[name]))


def test_every_word_that_a_script_says_is_there() -> None:
    there = words("en")
    for name in set(re.findall(r'word\("([\w.]+)"', SCRIPTS)):
        assert name in flat(there), name
    for group in set(re.findall(r"word\(`(\w+)\.\$", SCRIPTS)):
        assert isinstance(there[group], Mapping), group


def test_every_colour_is_told_from_what_it_stands_on() -> None:
    assert list(illegible(SHADES)) == []
    pairs = [
        ("wrong", "hot"), ("warn", "warm"), ("good", "calm"), ("soft", "dull"), ("brand", "tint"),
        ("soft", "page"), ("soft", "tint"), ("wrong", "tint"), ("warn", "tint"), ("wrong", "page"),
        ("warn", "paper"), ("ink", "page"), ("brand", "page"), ("warn", "page"),
    ]  # fmt: skip
    for front, back in pairs:
        for mode in (0, 1):
            ratio = contrast(SHADES[front][mode], SHADES[back][mode])
            assert ratio >= 4.5, (front, back, mode, ratio)


def test_colours_are_called_and_are_as_on_the_respondents_page() -> None:
    """So that a brand's colours, which are checked against that page, hold here too."""
    theirs = shades_of((TEMPLATES / "survey" / "style.css").read_text("utf-8"))
    ours = shades_of(STYLE)
    assert {name: ours[name] for name in theirs} == theirs


def test_it_knows_the_scales_so_that_low_answers_stand_first() -> None:
    island = re.search(rb"<script type=[\"']?application/json.*?>(.*?)</script>", PAGE, re.S)
    assert island is not None
    scales = json.loads(island[1])["surveys"]["after-sales"]["scales"]
    assert scales["overall"] == [1, 10]
    assert scales["resolved"] == "no"
