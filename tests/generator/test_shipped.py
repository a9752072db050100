"""The surveys that ship: examples of how one is written, so they must themselves be good ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from chalicelib.survey import Scaled
from chalicelib.survey.questions import Hidden, LongText, Rating, Statement
from generator.advice import minutes
from generator.definition import compile_file
from generator.places import SURVEYS
from generator.render import pages
from generator.site import load_site
from generator.templates import copy, names

SHIPPED = sorted(path for path in SURVEYS.glob("*.yaml") if path.name != "site.yaml")
README = (SURVEYS / "README.md").read_text("utf-8")
KINDS = {
    *("after-sales", "onboarding", "relationship", "complaint-recovery"),
    *("new-feature", "check-up", "win-back", "service-recovery"),
}

pytestmark = pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)


def test_compiles_without_a_word_of_advice(path: Path) -> None:
    assert compile_file(path).findings == []


def test_is_offered_documented_and_a_good_beginning(path: Path, tmp_path: Path) -> None:
    assert set(names()) == KINDS
    assert f"| `{path.stem}` |" in README
    mine, *others = copy(path.stem, "mine", tmp_path)
    assert mine.name == "mine.yaml"
    assert [compile_file(each).findings for each in (mine, *others)] == [[]] * (1 + len(others))


def test_both_languages_say_everything(path: Path) -> None:
    contract = compile_file(path).contract
    assert contract is not None
    assert contract.languages == ["zh-CN", "en"]
    assert contract.intro is not None
    assert contract.thanks is not None
    for question in contract.questions:
        for text in (question.text, question.hint, *(c.text for c in choices_of(question))):
            assert text is None or set(text) == {"zh-CN", "en"}


def choices_of(question: object) -> list[object]:
    return getattr(question, "choices", [])


def test_is_short_and_goes_from_facts_to_writing(path: Path) -> None:
    contract = compile_file(path).contract
    assert contract is not None
    assert max(minutes(contract, language) for language in contract.languages) <= 1.5
    asked = [q for q in contract.questions if not isinstance(q, Hidden | Statement)]
    assert not isinstance(asked[0], LongText | Rating)
    always = [q for q in asked if q.show_if is None]
    scaled = max(i for i, q in enumerate(always) if isinstance(q, Scaled))
    written = [i for i, q in enumerate(always) if isinstance(q, LongText)]
    assert written
    assert min(written) > scaled


def test_nobody_must_write_or_leave_a_number_unless_they_asked_for_it(path: Path) -> None:
    contract = compile_file(path).contract
    assert contract is not None
    for field in contract.fields:
        if field.kind in ("text", "phone", "email") and not field.id.endswith("_other"):
            assert not field.required or field.show_if is not None
        assert (field.kind in ("phone", "email")) == field.personal


def test_somebody_hears_of_whoever_is_unhappy_in_time(path: Path) -> None:
    contract = compile_file(path).contract
    assert contract is not None
    assert contract.follow_ups
    for rule in contract.follow_ups:
        assert rule.first_contact_within < rule.resolve_within
        most = {"urgent": 24 * 60, "high": 3 * 24 * 60}.get(rule.priority, 5 * 24 * 60)
        assert rule.first_contact_within <= most


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_fits_the_budget(path: Path, language: str) -> None:
    """As it ships: with the name and the colour of the site beside it."""
    contract = compile_file(path).contract
    assert contract is not None
    place = "" if language == contract.languages[0] else f"{language}/"
    page = pages(contract, load_site(SURVEYS / "site.yaml"))[f"{contract.id}/{place}index.html"]
    assert len(gzip.compress(page, 9)) <= 9_000
