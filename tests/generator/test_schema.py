"""The JSON Schema accepts what compiles, and the guide documents all there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from jsonschema import Draft202012Validator

from chalicelib.survey import TYPES, Contract, Section
from chalicelib.survey.contract import Bands, Calendar, Retention, Rule
from chalicelib.survey.questions import Choice, Row
from generator import places
from generator.expressions import SYMBOLS
from generator.schema import MEANING, schema
from tests.generator.writing import errors, survey

SAMPLES = sorted(Path(__file__).parent.glob("surveys/*.yaml"))
SHIPPED = sorted(path for path in places.SURVEYS.glob("*.yaml") if path.name != "site.yaml")
EXAMPLE = Path(__file__).parents[3] / "shared" / "examples" / "after-sales.yaml"
GUIDE = (places.SURVEYS / "README.md").read_text("utf-8")
VALIDATOR = Draft202012Validator(schema())


class Words(yaml.SafeLoader):
    """YAML without its own opinion about ``no`` and days, as editors read it."""


Words.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in found if tag.endswith((":int", ":float"))]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Words.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))


def loaded(text: str) -> Any:
    return yaml.load(text, Loader=Words)


def keys_of(cls: type[msgspec.Struct]) -> set[str]:
    return {field.name for field in msgspec.structs.fields(cls)}


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("path", [*SHIPPED, *SAMPLES, EXAMPLE], ids=lambda path: path.stem)
def test_it_accepts_what_compiles(path: Path) -> None:
    if not path.exists():
        pytest.skip("the example lies outside the checkout")
    assert [error.message for error in VALIDATOR.iter_errors(loaded(path.read_text("utf-8")))] == []


@pytest.mark.parametrize(
    "question",
    [
        "{id: a, type: score}",
        "{id: a, type: raiting, text: A}",
        "{id: a, text: A}",
        "{id: A, type: score, text: A}",
        "{id: a, type: score, text: A, requird: true}",
        "{id: a, type: score, text: A, required: yes}",
        "{id: a, type: rating, text: A, scale: 11}",
        "{id: a, type: rating, text: A, weight: 30}",
        "{id: a, type: rating, text: A, look: star}",
        "{id: a, type: single, text: A, choices: [x]}",
        "{id: a, type: single, text: A, choices: {}}",
    ],
)
def test_it_refuses_what_does_not_compile(question: str) -> None:
    text = survey(f"- {question}")
    assert errors(text)
    assert not VALIDATOR.is_valid(loaded(text))


def test_every_key_has_a_meaning_and_no_other() -> None:
    classes = [Contract, Section, Bands, Calendar, Retention, Rule, Choice, Row, *TYPES.values()]
    assert set(MEANING) == set().union(*map(keys_of, classes)) - {"code"} | {"type"}


def test_the_kitchen_sink_uses_every_type_and_every_key_of_it() -> None:
    text = (Path(__file__).parent / "surveys" / "kitchen-sink.yaml").read_text("utf-8")
    used: dict[str, set[str]] = {}
    for section in loaded(text)["sections"]:
        for question in section["questions"]:
            used.setdefault(question["type"], set()).update(question)
    common = {"hint", "show_if", "end_if", "required", "personal", "na", "dimension", "weight"}
    common |= {"low_label", "high_label"}
    assert set(used) == set(TYPES)
    for name, cls in TYPES.items():
        assert keys_of(cls) - used[name] <= common, name
    assert set().union(*used.values()) >= common


# The guide


def rows() -> dict[str, str]:
    """Rows of the guide's tables, by the first word in backquotes."""
    found = re.findall(r"^\| `([^`]+)`(.*)\|$", GUIDE, re.MULTILINE)
    return dict(found)


@pytest.mark.parametrize("name", TYPES)
def test_every_type_is_documented_with_an_example_that_compiles(name: str) -> None:
    assert name in rows()
    common = keys_of(TYPES["short_text"]) - {"least", "most"}
    for key in keys_of(TYPES[name]) - common - {"default"}:
        assert f"`{key}`" in rows()[name] or f"`{key}:" in rows()[name], key
    assert re.search(rf"^- {{id: \w+, type: {name}[,}}]", GUIDE, re.MULTILINE)


def test_the_guide_s_questions_compile() -> None:
    (block,) = re.findall(r"```yaml\n(- \{id: kind.*?)```", GUIDE, re.DOTALL)
    assert errors(survey(block)) == []


def test_the_guide_s_survey_compiles() -> None:
    block = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)[0]
    assert errors(block) == []


@pytest.mark.parametrize("key", sorted(keys_of(Contract)))
def test_every_key_of_a_survey_is_documented(key: str) -> None:
    table = GUIDE.split("## Questions")[0]
    assert f"`{key}`" in table


@pytest.mark.parametrize("key", sorted(keys_of(Retention)))
def test_every_key_of_retention_is_documented(key: str) -> None:
    assert f"{key}: " in rows()["retention"]


@pytest.mark.parametrize("key", sorted(keys_of(Rule) - {"id"}))
def test_every_key_of_a_rule_is_documented(key: str) -> None:
    assert f"{key}: " in GUIDE.split("## Follow-ups")[1]


@pytest.mark.parametrize("symbol", [*SYMBOLS.values(), "and", "or", "not", "answered"])
def test_every_operator_is_documented(symbol: str) -> None:
    table = GUIDE.split("## Conditions")[1].split("**The absent rule.**")[0]
    written = {"!in": "not in", "answered": "answered("}.get(symbol, symbol)
    pieces = re.findall(r"`([^`]+)`", table)
    assert any(re.search(rf"(^|\s){re.escape(written)}(\s|$|\w)", piece) for piece in pieces)
