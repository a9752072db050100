"""The paper form: the same survey with a pen; at most two sides, every question, nothing hidden."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from chalicelib.survey import Contract
from chalicelib.survey.questions import Matrix
from generator.__main__ import main
from generator.definition import compile_file
from generator.fonts import NoFont
from generator.paper import OFF_PAPER, Form
from generator.places import SURVEYS
from generator.printing import pdf
from generator.site import Site
from tests.surveys import after_sales, kitchen_sink

SITE = Site(name={"zh-CN": "回声", "en": "Echo"}, url="https://s.test/x")
EXAMPLE = Path(__file__).parents[3] / "shared" / "examples" / "after-sales.yaml"


def compiled(path: Path) -> Contract:
    if not path.is_file():
        pytest.skip("the example is not beside this checkout")
    contract = compile_file(path).contract
    assert contract is not None
    return contract


def sides(data: bytes) -> int:
    assert data.startswith(b"%PDF-")
    return len(re.findall(rb"/Type /Page\b", data))


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("path", [SURVEYS / "after-sales.yaml", EXAMPLE], ids=["ships", "example"])
def test_an_after_sales_survey_fits_two_sides(path: Path, language: str) -> None:
    assert sides(pdf(Form(compiled(path), SITE, language), "A4")) <= 2


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("contract", [after_sales(), kitchen_sink()], ids=lambda c: c.id)
def test_everything_that_is_asked_stands_on_paper(contract: Contract, language: str) -> None:
    form = Form(contract, SITE, language)
    items = [item for part in form.parts for item in part.items]
    shown = [q for q in contract.questions if not isinstance(q, OFF_PAPER)]
    matrices = [q for s in contract.sections for q in s.questions if isinstance(q, Matrix)]
    shared = {form.text(matrix.text) for matrix in matrices}
    asked = [item for item in items if item.text not in shared]
    assert len(items) == len(asked) + len(matrices)
    assert [item.text for item in asked] == [form.text(question.text) for question in shown]
    for item, question in zip(asked, shown, strict=True):
        assert bool(item.marks or item.scale or item.lines) == (question.rule is not None)
    assert [item.number for item in items if item.number] == list(
        range(1, len([q for q in shown if q.rule]) + 1)
    )
    assert sides(pdf(form, "A4")) >= 1


def test_a_condition_names_questions_by_their_numbers() -> None:
    said = {
        item.number: item for part in Form(after_sales(), SITE, "en").parts for item in part.items
    }
    assert said[7].condition == "(if Q3, Q4 or Q5 is 2 or less)"
    end = Form(kitchen_sink(), SITE, "en").parts[0].end
    assert end == "If Q5 is “No”, you are done. Thank you."


def test_circles_take_one_answer_and_boxes_several() -> None:
    items = {i.text: i for p in Form(kitchen_sink(), SITE, "en").parts for i in p.items}
    assert all(mark.round for mark in items["Choose one"].marks)
    assert not any(mark.round for mark in items["Choose two or three"].marks)
    assert items["Choose one"].marks[-1].write, "other, please say"
    assert items["Choose two or three"].pattern == "Tick up to 3"
    assert items["Recommend"].scale == [str(n) for n in range(11)]
    assert items["Story"].lines == 3


def test_the_code_leads_to_the_form_online_in_the_same_language() -> None:
    assert Form(after_sales(), SITE, "zh-CN").url == "https://s.test/x/after-sales/"
    form = Form(after_sales(), SITE, "en")
    assert form.url == "https://s.test/x/after-sales/en/"
    assert form.qr.symbol_size()[0] > 20


def test_html_says_the_same_and_loads_nothing() -> None:
    contract = after_sales()
    html = Form(contract, SITE, "en").html("A4")
    for words in ("Speed of response", "(if Q3, Q4 or Q5 is 2 or less)", "Not applicable"):
        assert words in html
    assert f"after-sales · {contract.version} · en" in html, "what `enter` and `load` want"
    assert "<svg" in html
    assert "default-src 'none'" in html
    assert not re.search(r"<(script|link|iframe)|src=.?http", html)
    hostile = replace(contract, title={"zh-CN": "x", "en": "<script>alert(1)</script>"})
    assert "<script>" not in Form(hostile, SITE, "en").html("A4")
    assert pdf(Form(hostile, SITE, "en"), "A4").startswith(b"%PDF")


def test_the_same_form_is_the_same_bytes() -> None:
    once, twice = (pdf(Form(after_sales(), SITE, "zh-CN"), "A4") for _ in range(2))
    assert once == twice


def test_letters_that_pdf_does_not_know_are_told_and_what_to_do() -> None:
    russian = replace(after_sales(), languages=["ru"], title={"ru": "Оценка"})
    with pytest.raises(NoFont, match="--font"):
        pdf(Form(russian, SITE, "ru"), "A4")


def test_the_command_writes_what_the_name_says(tmp_path: Path) -> None:
    survey = str(SURVEYS / "after-sales.yaml")
    for name, begin in (("a.pdf", b"%PDF-"), ("a.html", b"<!doctype html>")):
        output = tmp_path / name
        done = CliRunner().invoke(main, ["paper", survey, "--output", str(output)])
        assert done.exit_code == 0, done.output
        assert output.read_bytes().startswith(begin)
        assert "QR code leads to http" in done.output
    for wrong, said in ((["--output", "a.txt"], ".pdf or .html"), (["--language", "fr"], "'fr'")):
        more = [] if "--output" in wrong else ["--output", str(tmp_path / "b.pdf")]
        done = CliRunner().invoke(main, ["paper", survey, *wrong, *more])
        assert done.exit_code == 1
        assert said in done.output
