"""What is in a page: everything it needs, nothing else, and small (DESIGN.md, "The page")."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec.structs import replace

from chalicelib.survey import TYPES, Contract
from chalicelib.survey.conditions import COMPARISONS
from chalicelib.survey.questions import Scaled, ShortText, Single
from chalicelib.survey.words import WORDS
from generator.colours import contrast, illegible, palette, shades_of
from generator.places import TEMPLATES
from generator.plain import BadFile
from generator.render import pages
from generator.site import Site, load_site
from generator.wordlist import words_of
from tests.reference import reference
from tests.surveys import after_sales, choices, kitchen_sink, survey, text

EXAMPLE = Path(__file__).parents[3] / "shared" / "examples" / "after-sales.yaml"
TEMPLATE_FOLDER = TEMPLATES / "survey"
STYLE = (TEMPLATE_FOLDER / "style.css").read_text("utf-8")
SITE = Site(name={"zh-CN": "回声", "en": "Echo"})


class Tree(HTMLParser):
    """Every start tag with its attributes, and the text in scripts and styles."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.inline: dict[str, list[str]] = {"script": [], "style": []}
        self.words: list[str] = []
        self._inside = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        self._inside = tag
        if tag in self.inline and "json" not in attributes.get("type", ""):
            self.inline[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in self.inline and self.tags[-1][1].get("id") != "Data":
            self.inline[self._inside][-1] += data
        elif self._inside not in self.inline:
            self.words.append(data)

    def all(self, *names: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag in names]


def page(contract: Contract, language: str = "zh-CN", site: Site = SITE) -> bytes:
    place = "" if language == contract.languages[0] else f"{language}/"
    return pages(contract, site)[f"{contract.id}/{place}index.html"]


def every_page() -> list[tuple[str, bytes]]:
    return [
        item
        for contract in (after_sales(), kitchen_sink())
        for item in pages(contract, SITE).items()
    ]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("contract", [after_sales(), reference()], ids=["after-sales", "reference"])
def test_fits_the_budget(contract: Contract, language: str) -> None:
    data = page(contract, language)
    assert len(gzip.compress(data, 9)) <= 9_000
    [script] = Tree(data).inline["script"]
    assert len(gzip.compress(script.encode(), 9)) <= 3_500


def test_a_page_carries_what_its_survey_uses() -> None:
    """Operators, checks, words and style that only other surveys need stay away."""
    small = page(survey(Single(id="a", text=text("甲", "A"), choices=choices(x=("x", "x")))))
    large = page(kitchen_sink())
    for part in ("URLSearchParams", "toJSON", "@[a-z0-9-]", '"!has"', ".stars", "svg{"):
        assert part not in small.decode()
    for part in ("URLSearchParams", "toJSON", "@[a-z0-9-]", ".stars", "svg{"):
        assert part in large.decode()
    assert "{least}" not in small.decode()
    assert "{least}" in large.decode()


def test_every_operator_has_its_line_and_comes_where_it_is_used() -> None:
    source = (TEMPLATE_FOLDER / "conditions.js").read_text("utf-8")
    lines = set(re.findall(r'^  "(\S+)": ', source, re.MULTILINE))
    assert lines == set(COMPARISONS) | {"and", "or", "not", "answered"}
    for operator in sorted(lines):
        condition = [operator, ["answered", "a"]] if operator in ("and", "or", "not") else None
        asked = ShortText(id="b", text=text("乙", "B"), show_if=condition or [operator, "a", ["x"]])
        first = Single(id="a", text=text("甲", "A"), choices=choices(x=("x", "x")))
        script = "".join(Tree(page(survey(first, asked))).inline["script"])
        assert re.search(rf'(["{{,]){re.escape(operator)}\1?"?:', script), operator


def test_example_fits_the_budget() -> None:
    if not EXAMPLE.is_file():
        pytest.skip("the example is not beside this checkout")
    definition = pytest.importorskip("generator.definition")
    contract = definition.compile_file(EXAMPLE).contract
    for language in contract.languages:
        assert len(gzip.compress(page(contract, language, Site()), 9)) <= 9_000


def test_every_type_has_its_template_and_is_in_the_kitchen_sink() -> None:
    assert set(TYPES) == {path.stem for path in (TEMPLATE_FOLDER / "questions").iterdir()}
    assert set(TYPES.values()) == {
        type(question) for section in kitchen_sink().sections for question in section.questions
    }


def test_one_page_and_one_thanks_page_per_language() -> None:
    assert list(pages(after_sales(), SITE)) == [
        "after-sales/index.html",
        "after-sales/thanks/index.html",
        "after-sales/en/index.html",
        "after-sales/en/thanks/index.html",
    ]


def test_same_contract_same_bytes() -> None:
    assert pages(after_sales(), SITE) == pages(after_sales(), SITE)


@pytest.mark.parametrize(("name", "data"), every_page(), ids=lambda value: str(value)[:40])
def test_nothing_is_loaded_and_the_policy_names_all_that_runs(name: str, data: bytes) -> None:
    tree = Tree(data)
    assert b"<link rel=inline" not in data
    assert [link["href"][:19] for link in tree.all("link")] == ["data:image/svg+xml,"]
    assert not tree.all("img", "iframe", "object", "embed")
    assert not [
        a for _, a in tree.tags if "src" in a or "style" in a or any(k[:2] == "on" for k in a)
    ]
    policy = next(m["content"] for m in tree.all("meta") if "http-equiv" in m)
    assert policy.startswith("default-src 'none';")
    hashes = re.findall(r"'sha256-([^']+)'", policy)
    inline = [*tree.inline["style"], *tree.inline["script"]]
    wanted = {b64encode(sha256(part.encode()).digest()).decode() for part in inline}
    assert wanted == set(hashes)
    assert {"name": "referrer", "content": "same-origin"} in tree.all("meta")


@pytest.mark.parametrize("contract", [after_sales(), kitchen_sink()], ids=lambda c: c.id)
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_ids_are_unique_and_whatever_refers_to_one_finds_it(
    contract: Contract, language: str
) -> None:
    tree = Tree(page(contract, language))
    known = [attributes["id"] for _, attributes in tree.tags if "id" in attributes]
    assert len(known) == len(set(known))
    for _, attributes in tree.tags:
        wanted = attributes.get("aria-describedby", "").split()
        wanted += [attributes["for"]] if "for" in attributes else []
        assert set(wanted) <= set(known)


def test_every_control_has_a_name_of_its_field_and_a_label() -> None:
    contract = kitchen_sink()
    data = page(contract)
    tree = Tree(data)
    everything = tree.all("input", "select", "textarea")
    choosers = [control for control in everything if control.get("type") == "file"]
    assert not any("name" in chooser for chooser in choosers), "no form sends a file's name"
    trap, *controls = sorted(
        (control for control in everything if control not in choosers),
        key=lambda control: control["name"] != "_website",
    )
    assert trap == {
        "name": "_website",
        "class": "v",
        "tabindex": "-1",
        "autocomplete": "off",
        "aria-hidden": "true",
    }
    fields = {field.id for field in contract.fields if field.rule}
    assert {control["name"] for control in controls} == fields | {"_version", "_language"}
    labelled = {label["for"] for label in tree.all("label") if "for" in label}
    wrapped = set(re.findall(r"<label[^>]*>[^<]*<(?:input|select)[^>]*name=(\w+)", data.decode()))
    for control in controls:
        if control.get("type") != "hidden" and "aria-hidden" not in control:
            assert control["name"] in labelled | wrapped


def test_only_what_is_always_asked_is_required_in_the_plain_form() -> None:
    contract = kitchen_sink()
    always = {f.id for f in contract.fields if f.required and f.show_if is None}
    controls = Tree(page(contract)).all("input", "select", "textarea")
    assert {control["name"] for control in controls if "required" in control} == always


def test_personal_fields_are_marked_for_the_draft() -> None:
    for contract in (after_sales(), kitchen_sink()):
        personal = {field.id for field in contract.fields if field.personal}
        controls = Tree(page(contract)).all("input", "select", "textarea")
        assert {control["name"] for control in controls if "data-p" in control} == personal


def test_languages_differ_only_in_words() -> None:
    """Same tags, same ids, same names, same order."""
    kept = ("id", "name", "class", "for", "type", "required", "aria-describedby", "data-p")

    def shape(language: str) -> list[tuple[str, dict[str, str]]]:
        return [
            (tag, {name: attributes[name] for name in kept if name in attributes})
            for tag, attributes in Tree(page(kitchen_sink(), language)).tags
        ]

    assert shape("zh-CN") == shape("en")
    chinese = [
        word for word in Tree(page(kitchen_sink(), "en")).words if re.search("[一-鿿]", word)
    ]
    assert chinese == ["简体中文"]


def test_page_words_are_the_same_in_every_language() -> None:
    first, *others = [words_of(language, {}) for language in WORDS]
    for words in others:
        assert set(words) == set(first)
        for key, said in words.items():
            if isinstance(said, dict):
                assert set(said) == set(first[key])


def test_facts_stand_in_words_in_the_order_the_page_gives_them() -> None:
    """The page fills ``{low}`` and ``{high}`` in turn."""
    facts = {"range": ["low", "high"], "days": ["first", "last"], "decimals": ["decimals"]}
    facts |= {"short": ["least"], "long": ["most"], "few": ["least"], "many": ["most"]}
    facts["step"] = ["n", "of"]
    for words in (words_of(language, {}) for language in WORDS):
        for code, names in facts.items():
            assert re.findall(r"\{(\w+)\}", words[code]) == names


def test_scales_have_words_at_both_ends() -> None:
    tree = Tree(page(kitchen_sink(), "en"))
    said = "".join(tree.words)
    for words in ("1 Very dissatisfied", "10 Great", "0 Not at all likely", "7 Very easy"):
        assert words in said
    for tag, cls in TYPES.items():
        if issubclass(cls, Scaled):
            source = (TEMPLATE_FOLDER / "questions" / f"{tag}.html").read_text("utf-8")
            assert "_scale.html" in source


def test_data_cannot_close_its_script() -> None:
    words = text("</script><b>", "<!--<script>")
    contract = survey(Single(id="a", text=words, choices=choices(x=("</script>", "<!--"))))
    data = page(replace(contract, thanks=words)).decode()
    island = re.search(r"<script id=Data type=application/json>(.*?)</script>", data)
    assert island is not None
    fields, _, said = json.loads(island[1])
    assert "</script><b>" in said
    assert fields == [["a", ["code"]]]


def test_language_without_words_is_spoken_to_in_english() -> None:
    contract = survey(
        Single(id="a", text={"fr": "Quoi ?"}, choices=choices(x=("a", "b"))), languages=("fr",)
    )
    contract = replace(contract, title={"fr": "Petit"})
    assert "(optional)" in page(contract, "fr").decode()


def test_policy_and_form_follow_the_api_elsewhere() -> None:
    data = page(after_sales(), site=Site(api="/v1")).decode()
    assert "connect-src 'self';" in data
    assert "action=/v1/responses/after-sales" in data


def test_site_file_may_be_left_out_or_empty(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text("# nothing\n", "utf-8")
    assert load_site(None) == load_site(tmp_path / "site.yaml") == Site()


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ("colour: red", "colour"),
        ("color: '#000000'", "color"),
        ("colour: '#ffcc00'", "contrast of 1.5"),
        ("api: 'javascript:alert(1)'", "api"),
        ("api: 'https://x.example'", "api"),
        ("api: '/x; script-src *'", "api"),
        ("name: [", "site.yaml"),
        ("- a", "object"),
    ],
)
def test_site_file_with_an_error_is_refused_with_the_reason(
    tmp_path: Path, yaml: str, said: str
) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(yaml, "utf-8")
    with pytest.raises(BadFile, match=re.escape(said)):
        load_site(path)


@pytest.mark.parametrize("colour", ["#0f6b62", "#000000", "#7a1f1f", "#3b3bd0"])
def test_brand_is_legible_in_both_modes(colour: str) -> None:
    shades = palette(colour)
    assert not list(illegible(shades_of(STYLE) | shades))
    for mode, paper in ((0, "#ffffff"), (1, "#181d24")):
        assert contrast(shades["brand"][mode], paper) >= 4.5
        assert contrast(shades["brand"][mode], shades["tint"][mode]) >= 4.5
        assert contrast(shades["on"][mode], shades["brand"][mode]) >= 4.5


def test_no_character_ends_a_page_early() -> None:
    """The minifier takes a null character for the end of its text."""
    contract = survey(ShortText(id="q", text={"en": "before\0after"}))
    assert "beforeafter" in page(contract, "en").decode()
