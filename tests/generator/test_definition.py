"""From a file to a contract: every problem, at its line, saying what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from chalicelib.survey import Contract
from generator import places
from generator.definition import compile_all, compile_file, compile_text
from generator.source import Mapping, Node, Scalar, compose
from tests.generator.writing import HEAD, compiled, errors, said, survey

HERE = Path(__file__).parent
KITCHEN_SINK = HERE / "surveys" / "kitchen-sink.yaml"
EXAMPLE = HERE.parents[2] / "shared" / "examples" / "after-sales.yaml"
SHIPPED = sorted(path for path in places.SURVEYS.glob("*.yaml") if path.name != "site.yaml")

ONE = "- {id: overall, type: score, text: Overall}"
TWO_LANGUAGES = HEAD.replace("[en]", "[zh-CN, en]").replace(
    "title: Small survey", "title: {zh-CN: 小, en: Small}"
)


def contract(text: str) -> Contract:
    found = compiled(text)
    assert found.contract is not None, found.findings
    return found.contract


# What an author may write


@pytest.mark.parametrize("path", [*SHIPPED, KITCHEN_SINK], ids=lambda path: path.stem)
def test_shipped_surveys_have_nothing_to_complain_about(path: Path) -> None:
    found = compile_file(path)
    assert found.findings == []
    assert found.contract is not None
    assert Contract.from_json(found.contract.to_json()) == found.contract


def test_the_shipped_folder_compiles_as_a_whole() -> None:
    found = compile_all([places.SURVEYS])
    assert {one.path for one in found} == set(SHIPPED)
    assert [finding for one in found for finding in one.findings] == []


@pytest.mark.skipif(not EXAMPLE.exists(), reason="the example lies outside the checkout")
def test_the_example_compiles_alone_with_a_warning_about_its_verification_survey() -> None:
    (found,) = compile_all([EXAMPLE])
    assert found.contract is not None
    assert [finding.level for finding in found.findings] == ["warning"]
    assert "service-recovery" in str(found.findings[0])


def test_the_author_s_form_becomes_the_contract_s() -> None:
    made = contract(
        survey(
            """
            - id: kind
              type: single
              text: Kind
              choices:
                1: First
                no: Never
                repair: {text: Repair, show_if: source == "shop"}
            """.replace("- id: kind", "- {id: source, type: hidden}\n            - id: kind")
            + """
            - {id: speed, type: rating, text: 2026, weight: 30%, na: true}
            - {id: skill, type: rating, text: Skill, weight: 0.7}
            """,
            after="""
            follow_ups:
              - {id: low, when: index < 40, title: Low, first_contact_within: 1h30m}
            """,
        )
    )
    _, kind, speed, _ = made.questions
    assert [choice.code for choice in kind.choices] == ["1", "no", "repair"]  # type: ignore[union-attr]
    assert kind.choices[2].show_if == ["==", "source", "shop"]  # type: ignore[union-attr]
    assert speed.text == {"en": "2026"}
    assert speed.weight == 0.3  # type: ignore[union-attr]
    assert made.follow_ups[0].first_contact_within == 90
    assert made.follow_ups[0].when == ["<", "index", 40]


def test_words_stay_words() -> None:
    """YAML 1.2: ``no``, ``on`` and ``off`` are no booleans."""
    made = contract(survey("- {id: a, type: single, text: no, choices: {on: off, yes: no}}"))
    assert made.questions[0].text == {"en": "no"}
    assert [choice.code for choice in made.questions[0].choices] == ["on", "yes"]  # type: ignore[union-attr]


@pytest.mark.parametrize("path", [*SHIPPED, KITCHEN_SINK], ids=lambda path: path.stem)
def test_what_libyaml_reads_is_what_yaml_1_2_says(path: Path) -> None:
    def plain(node: Node) -> object:
        if isinstance(node, Scalar):
            return node.text
        if isinstance(node, Mapping):
            return {key: plain(entry.node) for key, entry in node.entries.items()}
        return [plain(item) for item in node.items]

    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor.yaml_constructors = {}  # no word becomes anything else
    text = path.read_text("utf-8")
    root, problems = compose(text)
    assert problems == []
    loaded = yaml.load(text)

    def words(value: object) -> object:
        if isinstance(value, dict):
            return {str(key): words(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [words(inner) for inner in value]
        return value if isinstance(value, str) else None

    def masked(mine: object, theirs: object) -> object:
        """Mine, without the words YAML gives another type."""
        if isinstance(mine, dict) and isinstance(theirs, dict):
            return {key: masked(mine[key], theirs.get(key)) for key in mine}
        if isinstance(mine, list) and isinstance(theirs, list):
            return [masked(one, other) for one, other in zip(mine, theirs, strict=True)]
        return None if theirs is None else mine

    assert root is not None
    theirs = words(loaded)
    assert masked(plain(root), theirs) == theirs


# YAML that cannot be read, explained


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id: small\nsections:\n\t- id: all", "3: a tab stands"),
        ("id: small\n title: x", "2: the indentation does not fit"),
        ("id: small\n- a", "2: the indentation does not fit"),
        ("id: small\ntitle: What: now", "2: a half-width colon and a space"),
        ("id：small\ntitle: x", "1: a full-width ："),
        ("id: small\ntitle: {zh-CN: 问题: 你好, en: x}", "2: a half-width colon and a space"),
        ("id: small\ntitle: {zh-CN: 您好， en: Hello}", "2: a full-width ，"),
        ("title: {zh-CN: 第 #1 题, en: x}\nid: small", "1: ` #` starts a comment"),
        ("title: {zh-CN: ?您好, en: x}", "1: a half-width ? cannot start"),
        ("title: {zh-CN: 您好, en: x\nid: small", "1: `{` is never closed"),
        ('title: "never closed\nid: small', "1: a quote is opened"),
        ("title: @home", "1: a text cannot start"),
        ('show_if: "speed" in improve', "1: something follows a text in quotes"),
        ("show_if: !answered(phone)", "1: `!answered(phone)` is a tag"),
        ("title: *home", "1: `*home` names nothing"),
        ("id: small\n---\nid: other", "2: a second document"),
        ("id: a\0b", "1: the file holds a character"),
        ("- " * 100 + "a", "1: nested too deep"),
        ("", "1: the file is empty"),
        ("# only a comment\n", "1: the file is empty"),
    ],
)
def test_yaml_that_cannot_be_read_is_explained(text: str, expected: str) -> None:
    (only,) = said(text)
    assert only.startswith(f"small.yaml:{expected}")
    assert ", " in only  # what to do


@pytest.mark.parametrize(
    "text",
    [
        "{zh-CN: 您好,请问?, en: x}",
        "{zh-CN: 您好, 请问？, en: x}",
        "{zh-CN: 您好, en: Hello, you}",
    ],
)
def test_a_half_width_comma_inside_a_text_is_explained_once(text: str) -> None:
    head = TWO_LANGUAGES.replace("{zh-CN: 小, en: Small}", text)
    (only,) = errors(survey("- {id: a, type: score, text: {zh-CN: 分, en: A}}", head=head))
    assert only.startswith("small.yaml:2: title: a half-width comma inside { }")
    assert "use ，" in only


def test_a_half_width_comma_cuts_choices_and_questions_too() -> None:
    text = survey("- {id: a, type: single, text: A, b,\n   choices: {x: Yes, really, y: No}}")
    assert len([line for line in errors(text) if "half-width comma" in line]) == 2


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("id: small\ntitle: 您好".encode("gb18030"), "2: the file is not UTF-8; it looks like GBK"),
        ("id: small".encode("utf-16"), "1: the file is not UTF-8; it looks like UTF-16"),
        (b"id: small\n\n\xff\xff\xff", "3: the file is not UTF-8,"),
        (b"x" * 2_000_001, "1: the file has 2,000,001 bytes"),
    ],
)
def test_a_file_in_another_encoding_or_too_large(
    tmp_path: Path, data: bytes, expected: str
) -> None:
    path = tmp_path / "small.yaml"
    path.write_bytes(data)
    (only,) = compile_file(path).findings
    assert str(only).startswith(f"{path}:{expected}")


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + survey(ONE).replace("\n", "\r\n").encode())
    assert compile_file(path).findings == []


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    (only,) = compile_file(tmp_path / "none.yaml").findings
    assert "cannot be read" in only.what


# Keys, types and limits


@pytest.mark.parametrize(
    ("questions", "expected"),
    [
        ("- {id: a, type: score, text: A, requird: true}", "a: `requird` is not a key"),
        ("- {id: a, type: score}", "a: `text` is missing"),
        ("- {type: score, text: A}", "questions 1: `id` is missing"),
        ("- {id: a, text: A}", "a: `type` is missing"),
        ("- {id: a, type: raiting, text: A}", "did you mean `rating`?"),
        ("- {id: a, type: score, text: A, required: yes}", "`required` must be true or false"),
        ("- {id: a, type: rating, text: A, scale: five}", "`scale` must be a whole number"),
        ("- {id: a, type: rating, text: A, scale: 11}", "`scale` is 11, use a number from 2 to 10"),
        ("- {id: a, type: rating, text: A, look: star}", "did you mean `stars`?"),
        ("- {id: a, type: rating, text: A, weight: 30}", "`30%` or `0.3`"),
        ("- {id: A, type: score, text: A}", "`A` cannot be `id`"),
        ("- {id: a, type: score, text: }", "a: `text` has no text"),
        ("- {id: a, type: score, text: '  '}", "a: `text` is blank"),
        ("- {id: a, type: score, text: [A]}", "a: `text` has no text"),
        ("- {id: a, type: single, text: A, choices: [x, y]}", "`choices` must be a mapping"),
        ("- {id: a, type: single, text: A, choices: {}}", "`choices` is empty, add at least one"),
        ("- {id: a, type: single, text: A, choices: {X: x}}", "`X` cannot be"),
        ("- {id: a, type: single, text: A, choices: {x: {text: X, b: 1}}}", "`b` is not a key"),
        ("- {id: a, type: date, text: A, first: 2026-02-30}", "a real day"),
        ("- {id: a, type: score, text: A, show_if: }", "`show_if` must be a condition"),
        ("- a", "a question must be a mapping"),
        (f"- {{id: a, type: score, text: {'x' * 5001}}}", "`text` has 5,001 characters"),
    ],
)
def test_one_question_s_problems(questions: str, expected: str) -> None:
    (only,) = errors(survey(questions))
    assert expected in only
    assert only.startswith("small.yaml:8: ")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("id: small", "id: Small", "1: id: `Small` cannot be `id`"),
        ("id: small", "name: small", "`name` is not a key of a contract"),
        ("[en]", "[english]", "3: languages: `english` cannot be"),
        ("[en]", "en", "3: languages: `languages` must be a list"),
        ("[en]", "[]", "`languages` is empty"),
        ("[en]", "[en, en]", "`en` is there twice"),
        ("Asia/Shanghai", "Asia/Shangai", "4: timezone: there is no time zone `Asia/Shangai`, did"),
        ("Asia/Shanghai", "../etc/passwd", "there is no time zone"),
        ("title: Small survey", "title: {en: Small, fr: Petit}", "`fr` is not one of the"),
        ("title: Small survey", "title: Small\ntitle: Other", "written twice, first on line 2"),
        ("title: Small survey", "title: Small\nbands: {satisfied: 4.9}", "`satisfied` starts at"),
        (
            "title: Small survey",
            "title: Small\nretention: {responses: 30d, contacts: 31d}",
            "contacts would be kept longer than the responses",
        ),
        (
            "title: Small survey",
            "title: Small\nretention: {responses: 6d}",
            "`responses` must be a number of days, a week at least, not `6d`",
        ),
        ("title: Small survey", "title: Small\nretention: {contacts: 1y}", "such as `90d`"),
        (
            "title: Small survey",
            'title: Small\ncalendar: {hours: "18:00-09:00"}',
            "work would end at 09:00, before it begins at 18:00",
        ),
        ("title: Small survey", "title: Small\ncalendar: {hours: 9-18}", "such as `09:00-18:00`"),
        (
            "title: Small survey",
            'title: Small\ncalendar: {hours: "09:00-18:00", days: [mon, mon]}',
            "`mon` is there twice",
        ),
        ("title: Small survey", "title: Small\nbands: {satisfied: 9}", "`satisfied` is 9"),
        ("title: Small survey", "title: Small\ndimensions: {spede: Speed}", "no question measures"),
        ("title: Small survey", "title: Small\nattributes: [link]", "`link` is a column of every"),
        ("title: Small survey", "title: Small\nattributes: [a, a]", "`a` is there twice"),
        (
            "title: Small survey",
            "title: Small\nsegments: [[chanel, hour]]",
            "`chanel` is no segment key, did you mean `channel`?",
        ),
        (
            "title: Small survey",
            "title: Small\nattributes: [customer]\nsegments: [[customer, hour]]",
            "`customer` is no segment key",
        ),
        ("title: Small survey", "title: Small\nsegments: [[hour]]", "`segments` has 1, use at"),
        ("title: Small survey", "title: Small\nsegments: [[hour, hour]]", "`hour` is there twice"),
        (
            "title: Small survey",
            "title: Small\nsegments: [[hour, channel], [channel, hour]]",
            "channel and hour are a pair already",
        ),
    ],
)
def test_problems_of_the_survey_itself(old: str, new: str, expected: str) -> None:
    assert expected in "\n".join(errors(survey(ONE, head=HEAD.replace(old, new))))


def test_a_missing_translation_is_said_for_each_language_and_place() -> None:
    found = errors(
        survey(
            """
            - {id: a, type: score, text: {en: A}}
            - {id: b, type: single, text: {zh-CN: 乙, en: B}, choices: {x: {zh-CN: 甲}, y: Why}}
            """,
            head=TWO_LANGUAGES,
        )
    )
    assert len(found) == 3
    assert found[0].startswith("small.yaml:8: a: `text` has no text in `zh-CN`")
    assert "`text` has no text in `en`" in found[1] + found[2]
    assert "is one text, but the survey has `zh-CN` and `en`" in found[1] + found[2]


# What only shows in the whole


@pytest.mark.parametrize(
    ("questions", "expected"),
    [
        (
            "- {id: a, type: score, text: A}\n- {id: a, type: score, text: B}",
            "9: a: two questions are called `a`, the first on line 8",
        ),
        (
            "- {id: a, type: yes_no, text: A, role: solved}\n"
            "- {id: b, type: yes_no, text: B, role: solved}",
            "9: b: `a` has the role `solved` already",
        ),
        (
            "- {id: a, type: rating, text: A, weight: 30%}\n"
            "- {id: b, type: rating, text: B, weight: 60%}",
            "8: a: the weights sum to 90%: 30% + 60%",
        ),
        (
            "- {id: a, type: single, text: A, other: true, choices: {x: X}}\n"
            "- {id: a_other, type: short_text, text: B}",
            "8: a: `a` needs the column `a_other`",
        ),
        (
            "- {id: a, type: rating, text: A, na: true}\n- {id: a_na, type: short_text, text: B}",
            "8: a: `a` needs the column `a_na`",
        ),
        ("- {id: channel, type: score, text: A}", "`channel` is a column of every survey"),
        ("- {id: a, type: hidden, required: true}", "8: a: it is required, but without a default"),
        (
            "- {id: k, type: yes_no, text: K}\n- {id: a, type: multiple, least: 2, text: A, "
            "choices: {x: X, y: {text: Y, show_if: 'k == \"yes\"'}}}",
            "9: a: 2 must be chosen, but only 1 are always offered",
        ),
        ("- {id: hour, type: score, text: A}", "`hour` is a column of every survey"),
        (
            "- {id: a, type: multiple, text: A, segment: true, choices: {x: X}}",
            "`segment`",
        ),
        (
            "- {id: a, type: single, text: A, segment: true, personal: true, choices: {x: X}}",
            "8: a: a personal answer cannot be a segment",
        ),
        ("- {id: from, type: score, text: A}", "`from` is a word of conditions"),
        ("- {id: a, type: single, text: A, choices: {other: O}}", "write `other: true` instead"),
        ("- {id: a, type: single, text: A, choices: {na: O}}", "`na` is kept for the software"),
        (
            "- {id: a, type: single, text: A, choices: {x: X, x: Y}}",
            "`x` is written twice",
        ),
        (
            "- {id: a, type: multiple, text: A, least: 3, most: 2, choices: {x: X, y: Y, z: Z}}",
            "`least` 3 is above `most` 2",
        ),
        (
            "- {id: a, type: multiple, text: A, most: 3, choices: {x: X, y: Y}}",
            "`most` is 3, but there are 2 choices",
        ),
        ("- {id: a, type: number, text: A, least: 5, most: 1}", "`least` 5.0 is above"),
        ("- {id: a, type: short_text, text: A, most: 5, least: 9}", "`least` 9 is above"),
        (
            "- {id: a, type: date, text: A, first: 2026-02-01, last: 2026-01-01}",
            "`first` 2026-02-01 is above `last` 2026-01-01",
        ),
    ],
)
def test_problems_between_questions(questions: str, expected: str) -> None:
    (only,) = errors(survey(questions))
    assert expected in only


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{id: r, when: overall < 3, title: R, verify_with: small}", "cannot verify itself"),
        ("{id: r, when: index < 3, title: R}", "no question has a weight"),
        ("{id: r, when: overall < 3, title: R, resolve_within: 5}", "such as `30m`"),
        ("{id: r, when: overall < 3, title: R, resolve_within: 999d}", "such as `30m`"),
        ("{id: r, when: overall < 3, title: R, priority: hi}", "`priority` cannot be `hi`"),
        (
            "{id: r, when: overall < 3, title: R, first_contact_within: 2d, resolve_within: 1h}",
            "the first contact is due after",
        ),
        ("{id: r, title: R}", "follow_ups r: `when` is missing"),
    ],
)
def test_problems_of_rules(rule: str, expected: str) -> None:
    (only,) = errors(survey(ONE, after=f"follow_ups:\n  - {rule}\n"))
    assert expected in only
    assert only.startswith("small.yaml:10: follow_ups r: ")


def test_two_rules_and_two_sections_of_one_id() -> None:
    rules = "follow_ups:\n" + "  - {id: r, when: overall < 3, title: R}\n" * 2
    assert "two rules are called `r`" in errors(survey(ONE, after=rules))[0]
    again = "  - {id: all, questions: [{id: b, type: score, text: B}]}\n"
    assert "two sections are called `all`" in errors(survey(ONE) + again)[0]


def test_too_many_questions() -> None:
    questions = "\n".join(f"- {{id: q{n}, type: score, text: Q}}" for n in range(301))
    (only,) = errors(survey(questions))
    assert only.startswith("small.yaml:308: q300: the survey has 301 questions")


def test_all_problems_come_at_once_in_the_order_of_lines() -> None:
    found = compiled(
        survey(
            """
            - {id: a, type: raiting, text: A}
            - {id: b, type: score, text: B, hnt: x, show_if: a == 1 and nothing > 2}
            - {id: b, type: score, show_if: c == 1}
            - {id: c, type: score, text: C}
            """,
            head=HEAD.replace("Shanghai", "Nowhere"),
        )
    )
    assert found.contract is None
    assert [finding.line for finding in found.findings] == [4, 8, 9, 9, 10, 10, 10]
    assert all(finding.remedy for finding in found.findings)


def test_lines_stay_right_after_an_entry_that_could_not_be_read() -> None:
    found = errors(
        survey("- nothing\n- {id: a, type: score, text: A}\n- {id: a, type: score, text: A}")
    )
    assert [line.split(": ")[0] for line in found] == ["small.yaml:8", "small.yaml:10"]


SINK = KITCHEN_SINK.read_text("utf-8")


@given(
    st.integers(0, len(SINK)), st.integers(0, 40), st.text("{}[]:,-#&*!?|>\"'\n\t 您a0", max_size=6)
)
@settings(max_examples=150, deadline=None)
def test_whatever_is_typed_into_a_survey_is_compiled_or_explained(
    start: int, length: int, typed: str
) -> None:
    found = compile_text(SINK[:start] + typed + SINK[start + length :], KITCHEN_SINK)
    assert (found.contract is None) == bool(found.errors)
    assert all(finding.line >= 1 and finding.what for finding in found.findings)


def test_a_name_that_does_not_fit_the_file_is_a_warning() -> None:
    found = compile_text(survey(ONE), Path("other.yaml"))
    assert found.contract is not None
    assert [finding.level for finding in found.findings] == ["warning"]
    assert "call it small.yaml" in str(found.findings[0])


# Several files


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text, "utf-8")
    return path


RULE = "follow_ups:\n  - {id: r, when: overall < 3, title: R, verify_with: check}\n"


def test_two_files_of_one_id(tmp_path: Path) -> None:
    write(tmp_path, "small", survey(ONE))
    write(tmp_path, "twin", survey(ONE))
    write(tmp_path, "site", "not: a survey")
    small, twin = compile_all([tmp_path])
    assert small.contract is not None
    assert twin.contract is None
    (only,) = twin.errors
    assert f"`small` is the id of {small.path} too" in str(only)


def test_a_missing_verification_survey_is_an_error_in_a_folder_only(tmp_path: Path) -> None:
    path = write(tmp_path, "small", survey(ONE, after=RULE))
    (alone,) = compile_all([path])
    assert [finding.level for finding in alone.findings] == ["warning"]
    (among,) = compile_all([tmp_path])
    assert [finding.level for finding in among.findings] == ["error"]
    write(tmp_path, "check", survey(ONE, head=HEAD.replace("small", "check")))
    for paths in ([path], [tmp_path]):
        assert [finding for one in compile_all(paths) for finding in one.findings] == []
