"""Earlier answers and attributes in texts, and pictures of choices."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from struct import pack

import pytest
from msgspec.structs import replace

from chalicelib.storage import MemoryStore
from chalicelib.survey import Contract
from chalicelib.survey.piping import filled, pieces
from chalicelib.survey.questions import Single
from generator.building import gather, plan
from generator.definition import compile_file
from generator.local import site_pages
from generator.pictures import LARGEST
from generator.previewing import Preview
from generator.render import pages
from generator.site import Site
from tests.generator.writing import HEAD, compiled, errors, survey
from tests.surveys import choices, text
from tests.surveys import survey as built

KITCHEN_SINK = Path(__file__).parent / "surveys" / "kitchen-sink.yaml"
KIND = "- {id: kind, type: single, text: Kind, choices: {repair: Repair, advice: Advice}}\n"


def page(contract: Contract) -> str:
    return pages(contract, Site())[f"{contract.id}/index.html"].decode()


def made(questions: str, head: str = HEAD, after: str = "") -> Contract:
    found = compiled(survey(questions, head=head, after=after))
    assert found.errors == []
    assert found.contract is not None
    return found.contract


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("no pipe", "no pipe"),
        ("your {kind} there", "your … there"),
        ("your {kind|visit}!", "your visit!"),
        ("{a|x}{b|y}", "xy"),
        ("{kind| a visit }", "a visit"),
        ("{{kind}}", "{kind}"),
        ("{{kind|x}}", "{kind|x}"),
        ("{ kind } {Kind} {1} {} {", "{ kind } {Kind} {1} {} {"),
    ],
)
def test_without_answers_the_fallback_stands(text: str, plain: str) -> None:
    assert filled(text) == plain
    assert filled(text.replace("kind", "b"), {"b": "", "a": ""}.get) is not None


def test_known_answers_are_put_in() -> None:
    assert filled("{kind|it} by {agent}", {"kind": "Repair"}.get) == "Repair by …"
    assert list(pieces("{{a}}")) == ["", "{a}", ""]


@pytest.mark.parametrize(
    ("questions", "said"),
    [
        (KIND + "- {id: a, type: score, text: 'For {kin}'}", "no question or attribute `kin`"),
        ("- {id: a, type: score, text: 'For {kind}'}\n" + KIND, "asked later"),
        ("- {id: a, type: score, text: 'For {a}'}", "asked later"),
        ("- {id: a, type: consent, text: I agree}\n- {id: b, type: score, text: '{a}'}",
         "cannot be put in here"),
        (KIND + "- {id: a, type: consent, text: 'I agree to {kind}'}", "words as they stand"),
        (KIND + "- {id: a, type: dropdown, text: A, choices: {x: '{kind}'}}", "use `single`"),
        (KIND + "- {id: a, type: ranking, text: A, choices: {x: '{kind}', y: Y}}", "use `single`"),
        (KIND + "- {id: a, type: score, text: A, low_label: '{kind}', high_label: H}",
         "put it into the question"),
        ("- {id: m, type: matrix, text: M, rows: {b: B}}\n- {id: a, type: score, text: '{m}'}",
         "or a matrix"),
    ],
)  # fmt: skip
def test_a_pipe_that_leads_nowhere_is_refused(questions: str, said: str) -> None:
    assert any(said in error for error in errors(survey(questions)))


def test_thanks_take_in_whatever_is_not_personal() -> None:
    phone = "- {id: tel, type: phone, text: Phone, personal: true}"
    assert errors(survey(KIND, after="thanks: 'Thanks for {kind}'")) == []
    [error] = errors(survey(phone, after="thanks: 'We call {tel}'"))
    assert "is personal" in error
    [error] = errors(survey(KIND, after="intro: 'Your {kind}'"))
    assert "asked later" in error


def test_a_page_is_told_the_attributes_its_texts_name_and_no_other() -> None:
    head = HEAD + "attributes: [customer, agent, store]\n"
    contract = made(KIND + "- {id: a, type: score, text: 'By {agent|us}'}", head)
    assert contract.told == ["agent"]
    assert contract.piped == {"agent"}
    assert made(KIND, head).told == []


def test_what_is_put_in_stands_as_its_fallback_and_is_escaped() -> None:
    contract = made(
        KIND + "- {id: a, type: score, text: 'For {kind|<b>it</b>}', hint: '{kind}'}",
        after="thanks: 'Thanks for {kind|<i>}'",
    )
    data = page(contract)
    assert "For <span data-v=kind>&lt;b>it&lt;/b></span>" in data
    assert "<span data-v=kind>…</span>" in data
    thanks = pages(contract, Site())["small/thanks/index.html"].decode()
    assert "Thanks for &lt;i>" in thanks or "Thanks for &lt;i&gt;" in thanks
    island = re.search(r"<script id=Data type=application/json>(.*?)</script>", data)
    assert island is not None
    assert ["Thanks for ", ["kind", "<i>"], ""] in json.loads(island[1])[2]


def test_only_a_page_with_pipes_carries_their_script() -> None:
    assert "[data-v]" in page(made(KIND + "- {id: a, type: score, text: '{kind}'}"))
    assert "[data-v]" not in page(made(KIND + "- {id: a, type: score, text: '{{kind}}'}"))


# Pictures


def png(width: int = 3, height: int = 2) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + pack(">II", width, height) + b"\x08\x02\0\0\0"


JPEG = b"\xff\xd8\xff\xe0\0\x04JF\xff\xff\xc2\0\x11\x08" + pack(">HH", 2, 3) + b"\x03"
RIFF = b"RIFF\0\0\0\0WEBP"
WEBPS = {
    "lossy": RIFF + b"VP8 \0\0\0\0\0\0\0\x9d\x01\x2a" + pack("<HH", 3, 2),
    "lossless": RIFF + b"VP8L\0\0\0\0\x2f" + pack("<I", (3 - 1) | (2 - 1) << 14),
    "extended": RIFF + b"VP8X\0\0\0\0\0\0\0\0" + b"\x02\0\0" + b"\x01\0\0",
}


def with_picture(folder: Path, data: bytes, name: str = "a.png", said: str = "") -> Path:
    (folder / name).write_bytes(data)
    path = folder / "small.yaml"
    image = f"{{a: {{text: A, image: {said or name}}}, b: B}}"
    path.write_text(survey(f"- {{id: one, type: single, text: One, choices: {image}}}"), "utf-8")
    return path


@pytest.mark.parametrize(
    ("data", "kind"),
    [(png(), "png"), (JPEG, "jpg"), *((data, "webp") for data in WEBPS.values())],
    ids=["png", "jpeg", *WEBPS],
)
def test_a_picture_is_told_by_its_bytes_and_lies_beside_the_page(
    tmp_path: Path, data: bytes, kind: str
) -> None:
    found = compile_file(with_picture(tmp_path, data, "a.gif"))
    assert found.findings == []
    assert found.contract is not None
    [question] = found.contract.questions
    assert isinstance(question, Single)
    picture = question.choices[0].image
    assert picture is not None
    assert (picture.width, picture.height) == (3, 2)
    assert re.fullmatch(rf"[0-9a-f]{{16}}\.{kind}", picture.name)
    files = plan(gather([tmp_path / "small.yaml"]), tmp_path / "dist")
    assert files[f"small/{picture.name}"] == data
    drawn = page(found.contract)
    tag = html.unescape(re.search("<img[^>]*>", drawn)[0])  # type: ignore[index]
    for part in (f"src={picture.name}", "width=3", "height=2", "alt=A", "loading=lazy"):
        assert part in tag
    assert "img-src data: 'self';" in drawn


def test_the_local_server_and_the_preview_show_it_as_what_it_is(tmp_path: Path) -> None:
    path = with_picture(tmp_path, png())
    preview = Preview([path], MemoryStore())
    [(place, served)] = [
        (place, page) for place, page in site_pages(gather([path])).items() if "png" in place
    ]
    assert served == preview.find_page(place)
    assert (served.body, served.kind) == (png(), "image/png")
    assert served.headers == {"X-Content-Type-Options": "nosniff"}


def test_another_picture_is_another_version(tmp_path: Path) -> None:
    first = compile_file(with_picture(tmp_path, png(3))).contract
    second = compile_file(with_picture(tmp_path, png(4))).contract
    assert first is not None
    assert second is not None
    assert first.version != second.version


def test_only_a_page_with_pictures_may_load_any() -> None:
    contract = built(Single(id="a", text=text("甲", "A"), choices=choices(x=("子", "X"))))
    assert "img-src data:;" in page(replace(contract, title=text("小", "Small")))


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda folder: with_picture(folder, png(), said="b.png"), "no file `b.png`"),
        (lambda folder: with_picture(folder, png(), said="../a.png"), "no file `../a.png`"),
        (lambda folder: with_picture(folder, png(), said="/etc/hostname"), "no file"),
        (lambda folder: with_picture(folder, b"<svg onload='x'/>"), "an SVG can carry scripts"),
        (lambda folder: with_picture(folder, b"GIF89a"), "use png, jpeg or webp"),
        (lambda folder: with_picture(folder, b""), "use png, jpeg or webp"),
        (lambda folder: with_picture(folder, png(0)), "no size that can be read"),
        (lambda folder: with_picture(folder, png(99999)), "no size that can be read"),
        (lambda folder: with_picture(folder, png()[:18]), "no size that can be read"),
        (lambda folder: with_picture(folder, b"\xff\xd8\xff\xe0"), "no size that can be read"),
        (lambda folder: with_picture(folder, b"\xff\xd8\xff\xe0\0\x02"), "no size that can be"),
        (lambda folder: with_picture(folder, RIFF), "no size that can be read"),
        (lambda folder: with_picture(folder, png() + b"\0" * LARGEST), f"at most {LARGEST:,}"),
    ],
)
def test_a_file_that_is_no_picture_is_refused(
    tmp_path: Path, write: Callable[[Path], Path], said: str
) -> None:
    [error] = compile_file(write(tmp_path)).errors
    assert said in str(error)
    assert error.where == "one"


def test_a_list_that_opens_has_no_pictures(tmp_path: Path) -> None:
    path = with_picture(tmp_path, png())
    path.write_text(path.read_text("utf-8").replace("type: single", "type: dropdown"), "utf-8")
    [error] = compile_file(path).errors
    assert "only choices in sight" in str(error)


def test_pictures_of_a_shipped_sample_are_found(tmp_path: Path) -> None:
    for name in ("kitchen-sink.yaml", "shop.png", "van.png"):
        shutil.copy(KITCHEN_SINK.parent / name, tmp_path / name)
    files = plan(gather([tmp_path / "kitchen-sink.yaml"]), tmp_path / "dist")
    assert sum(path.endswith(".png") for path in files) == 2
    assert "src=../" in files["kitchen-sink/en/index.html"].decode()
