"""The software's own words: three languages ship, any other is one small file of the author's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from chalicelib.survey.words import WORDS, nearest, say
from generator.plain import BadFile
from generator.render import pages
from generator.site import Site, load_site
from generator.wordlist import _flat, called, direction, read_words, template, words_of
from tests.surveys import after_sales


def test_every_language_says_the_same_with_the_same_facts() -> None:
    first, *others = [_flat(words_of(language, {})) for language in WORDS]
    for words in others:
        assert set(words) == set(first)
        for key, said in words.items():
            assert said
            assert sorted(re.findall(r"{\w+}", said)) == sorted(re.findall(r"{\w+}", first[key]))


def test_taiwan_is_spoken_to_in_its_own_words() -> None:
    """Not the mainland's words in other characters."""
    said = " ".join(_flat(words_of("zh-TW", {})).values())
    assert "送出" in said
    for word in ("提交", "网", "信息", "邮箱", "手機號碼", "默認", "鏈接", "二維碼"):
        assert word not in said


@pytest.mark.parametrize(
    ("language", "near"),
    [
        ("zh-TW", "zh-TW"),
        ("zh-HK", "zh-TW"),
        ("zh-Hant-TW", "zh-TW"),
        ("zh-SG", "zh-CN"),
        ("zh", "zh-CN"),
        ("en-GB", "en"),
        ("fr", "en"),
    ],
)
def test_a_language_without_words_is_spoken_to_in_the_nearest(language: str, near: str) -> None:
    assert nearest(language, WORDS) == near
    assert say(language, "required") == WORDS[near]["required"]


def write(folder: Path, language: str, text: str) -> Path:
    (folder / "words").mkdir(exist_ok=True)
    (folder / "words" / f"{language}.yaml").write_text(text, "utf-8")
    (folder / "site.yaml").write_text("", "utf-8")
    return folder / "site.yaml"


def test_the_printed_words_are_a_language_as_they_stand(tmp_path: Path) -> None:
    """`echoform words` prints what can be saved, translated line by line and used."""
    site = load_site(write(tmp_path, "fr", template().replace("Submit", "Envoyer")))
    assert site.words["fr"] == {**words_of("en", {}), "submit": "Envoyer"}
    assert called("fr", site.words) == "English", "as the file says"
    assert words_of("fr", site.words)["submit"] == "Envoyer"


def test_a_missing_word_is_named(tmp_path: Path) -> None:
    text = re.sub("(?m)^(submit|required|  if):.*\n", "", template())
    path = write(tmp_path, "fr", text)
    with pytest.raises(BadFile, match="words are missing") as bad:
        load_site(path)
    for key in ("submit", "required", "conditions.if"):
        assert key in str(bad.value)
    assert "fr.yaml" in str(bad.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Step {n} of {of}", "Étape {n}", "`step` must hold {n} {of}"),
        ("from {low} to {high}", "de {high} à {low}", "`range` must hold {low} {high}"),
        ("submit: Submit", "submit: Envoyer\nsubmitt: x", "submitt"),
    ],
)
def test_a_wrong_word_is_said_with_its_name(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = write(tmp_path, "fr", template().replace(old, new))
    with pytest.raises(BadFile, match=re.escape(said)):
        load_site(path)


def test_without_a_folder_of_words_there_are_none(tmp_path: Path) -> None:
    assert read_words(tmp_path / "words") == {}


def test_what_is_written_from_the_right_says_so() -> None:
    assert [direction(language) for language in ("ar", "he-IL", "zh-CN", "en")] == [
        "rtl",
        "rtl",
        "ltr",
        "ltr",
    ]
    arabic = replace(after_sales(), languages=["ar", "en"])
    built = pages(arabic, Site())
    assert b"<html lang=ar dir=rtl>" in built["after-sales/index.html"]
    assert b"dir=rtl" not in built["after-sales/en/index.html"]
