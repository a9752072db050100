"""Small surveys as an author writes them, for tests of the generator."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

from generator.definition import Compiled, compile_text

HEAD = """\
id: small
title: Small survey
languages: [en]
timezone: Asia/Shanghai
"""


def survey(questions: str, *, head: str = HEAD, after: str = "") -> str:
    """A survey of one section, ``all``; ``after`` follows at the top level."""
    body = indent(dedent(questions).strip(), "      ")
    return f"{head}sections:\n  - id: all\n    questions:\n{body}\n{dedent(after)}"


def compiled(text: str) -> Compiled:
    return compile_text(text, Path("small.yaml"))


def said(text: str) -> list[str]:
    """What is said of a survey, errors and warnings, as a person reads it."""
    return [str(finding) for finding in compiled(text).findings]


def errors(text: str) -> list[str]:
    return [str(finding) for finding in compiled(text).errors]


def warnings(text: str) -> list[str]:
    return [str(one) for one in compiled(text).findings if one.level == "warning"]
