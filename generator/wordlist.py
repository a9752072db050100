"""What the software itself says, in every language: words that ship, and words of the author's.

A language is one small file, ``words/<language>.yaml``: what ships stands in the page's templates,
the author's own beside ``site.yaml``. It says all that the page, its problems, its conditions and
the paper form say; a file that lacks a word is refused with the word's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from chalicelib.survey.words import WORDS, nearest
from generator.places import TEMPLATES
from generator.plain import BadFile, read_plain

Words: TypeAlias = Mapping[str, Any]

_SHIPPED = TEMPLATES / "survey" / "words"
_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})


def words_of(language: str, own: Mapping[str, Words]) -> Words:
    """All words of a language, of the nearest one there is, or English."""
    if language in own:
        return own[language]
    return _shipped(nearest(language, WORDS))


def called(language: str, own: Mapping[str, Words]) -> str:
    """What a language calls itself; its code where nobody has told us."""
    known = language in own or language in WORDS
    return str(words_of(language, own)["language"]) if known else language


def direction(language: str) -> str:
    """``rtl`` for what is written from the right."""
    return "rtl" if language.split("-")[0] in _RIGHT_TO_LEFT else "ltr"


def read_words(folder: Path) -> dict[str, Words]:
    """The author's own languages, by their tags. Raises BadFile."""
    found: dict[str, Words] = {}
    for path in sorted(folder.glob("*.yaml")):
        words = read_plain(path, dict[str, Any])
        _check(path, words)
        found[path.stem] = words
    return found


def template() -> str:
    """A file of words to translate: the English one."""
    lines = (_SHIPPED / "en.yaml").read_text("utf-8").splitlines()[1:]
    heading = [
        "# Translate what stands behind each colon; keep what stands in { }.",
        "# Save as words/<language>.yaml beside site.yaml.",
    ]
    said = [f"{code}: {text!r}" for code, text in WORDS["en"].items()]
    return "\n".join([*heading, *lines, "# Problems and refusals", *said, ""])


@cache
def _shipped(language: str) -> Words:
    return {**WORDS[language], **read_plain(_SHIPPED / f"{language}.yaml", dict[str, Any])}


def _check(path: Path, words: Words) -> None:
    wanted = _flat(_shipped("en"))
    said = _flat(words)
    missing = [key for key in wanted if not said.get(key)]
    if missing:
        raise BadFile(
            f"{path}: these words are missing: {', '.join(missing)}; "
            f"`echoform words` prints them all in English"
        )
    unknown = [key for key in said if key not in wanted]
    if unknown:
        raise BadFile(f"{path}: there are no words called {', '.join(unknown)}; leave them out")
    for key, text in wanted.items():
        if _facts(text) != _facts(said[key]):
            raise BadFile(
                f"{path}: `{key}` must hold {' '.join(_facts(text)) or 'nothing'} in {{ }}, in "
                f"that order; it holds {' '.join(_facts(said[key])) or 'nothing'}"
            )


def _facts(text: str) -> list[str]:
    """What is filled in. The page fills in turn, so the order counts."""
    return re.findall(r"\{\w+\}", text)


def _flat(words: Words) -> dict[str, str]:
    """Words within words by both names: ``low.nps``."""
    flat: dict[str, str] = {}
    for key, said in words.items():
        if isinstance(said, Mapping):
            flat |= {f"{key}.{inner}": str(text) for inner, text in said.items()}
        else:
            flat[key] = str(said)
    return flat
