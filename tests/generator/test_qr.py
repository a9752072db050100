"""QR codes and posters: each is read back by another library, as a phone would see it."""

from __future__ import annotations

import csv
import re
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest
import reportlab
import resvg_py
import zxingcpp
from click.testing import CliRunner
from msgspec.structs import replace
from PIL import Image, ImageDraw, ImageFilter

from chalicelib import links
from chalicelib.links import OPEN, PERSONAL, Link
from chalicelib.storage import FolderStore
from generator import typesetting
from generator.__main__ import main
from generator.fonts import Face, NoFont
from generator.hanging import pdf
from generator.link_addresses import short, url
from generator.logo import read_logo
from generator.poster import SIZES, Sheet, Unprintable, code_side, poster, size_for
from generator.qr import code_of, png, svg
from generator.site import Site
from generator.typesetting import fitted
from tests.surveys import after_sales

SURVEY = after_sales()
HOST = "https://survey.example.com"
SITE = Site(name={"zh-CN": "回声", "en": "Echo"}, url=HOST, colour="#8a1c4a")
LONG = {
    "zh-CN": "华东大区二零二六年第三季度家用中央空调安装维修与保养服务"
    "客户满意度及后续改进意见征集问卷（门店版）",
    "en": "Customer satisfaction survey on installation, repair and maintenance of central air "
    "conditioning at home in the eastern region, third quarter of 2026, for shops",
}
ADDRESSES = [
    form(HOST, SURVEY.id, links.spelled(37**40 % 32**symbols // 37 * 37 + 5, symbols))
    for form in (url, short)
    for symbols in (OPEN, PERSONAL)
]
LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20">'
    '<rect width="40" height="20" fill="#ff8000"/></svg>'
)


def seen(picture: Image.Image, side: int, degrees: float, blur: float) -> Image.Image:
    """As a phone sees it: smaller, turned, out of focus."""
    small = picture.convert("L").resize((side, round(side * picture.height / picture.width)))
    turned = small.rotate(degrees, resample=Image.Resampling.BICUBIC, expand=True, fillcolor=200)
    return turned.filter(ImageFilter.GaussianBlur(blur))


PHONES = [(900, 0, 0), (520, 17, 0.8), (640, 45, 1.0), (700, -160, 1.2), (420, 90, 0.5)]
"""Pixels across, degrees, blur in pixels."""


def read(picture: Image.Image) -> set[str]:
    return {each.text for each in zxingcpp.read_barcodes(picture)}


def drawn(data: bytes, page: int = 0, pixels: int = 1400) -> Image.Image:
    sheet = pypdfium2.PdfDocument(data)[page]
    return sheet.render(scale=pixels / sheet.get_width()).to_pil()


def made(address: str, size: str = "A4", label: str = "", **more: object) -> bytes:
    return pdf(poster(SURVEY, SITE, size, **more), [Sheet(code_of(address), label)])  # type: ignore[arg-type]


@pytest.mark.parametrize("phone", PHONES, ids=str)
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_code_alone_is_read_back(address: str, phone: tuple[int, float, float]) -> None:
    as_png = Image.open(BytesIO(png(address)))
    as_svg = resvg_py.svg_to_bytes(svg_string=svg(address).decode(), width=1200)
    for picture in (as_png, Image.open(BytesIO(as_svg))):
        assert read(seen(picture, *phone)) == {address}


@pytest.mark.parametrize("phone", PHONES, ids=str)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("address", [ADDRESSES[0], ADDRESSES[3]])
def test_a_poster_is_read_back(address: str, size: str, phone: tuple[int, float, float]) -> None:
    assert read(seen(drawn(made(address, size)), *phone)) == {address}


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_code_is_read_with_a_sticker_on_it(address: str) -> None:
    picture = Image.open(BytesIO(png(address))).convert("L")
    wide = picture.width
    at, side = wide * 0.5, wide * 0.22
    ImageDraw.Draw(picture).rectangle((at, at, at + side, at + side * 0.8), fill=255)
    assert read(seen(picture, 600, 11, 0.6)) == {address}


def test_the_short_form_makes_a_smaller_code_with_more_correction() -> None:
    sizes = [code_of(address).modules for address in ADDRESSES]
    assert sizes == [37, 41, 33, 37], "plain, plain personal, short, short personal"


def test_a_code_has_the_white_around_it_that_the_standard_asks_for() -> None:
    for size in SIZES:
        code = code_of(ADDRESSES[0])
        picture = drawn(made(code.url, size), pixels=1500).convert("RGB")
        side = code_side(code, size) / SIZES[size][0] * picture.width
        cell = side / code.modules
        top = next(y for y in range(500, picture.height) if _dark(picture, y))
        left = next(x for x in range(picture.width) if picture.getpixel((x, top + 3))[0] < 60)
        assert abs(left - (picture.width - side) / 2) < 3
        around = picture.crop(
            tuple(
                round(each)
                for each in (
                    left - 3.95 * cell,
                    top - 3.95 * cell,
                    left - 2,
                    top + side + 3.95 * cell,
                )
            )
        )
        assert around.getextrema() == ((255, 255),) * 3


def _dark(picture: Image.Image, y: int) -> bool:
    ink = (24, 29, 36)
    row = [picture.getpixel((x, y)) for x in range(0, picture.width, 2)]
    return sum(pixel == ink for pixel in row) > 60


def test_the_sheet_is_chosen_by_distance_and_says_how_far_it_reads() -> None:
    code = code_of(ADDRESSES[0])
    assert [size_for(code, metres) for metres in (0.3, 0.5, 0.8, 1.1)] == ["card", "A5", "A4", "A3"]
    for size in SIZES:
        side = code_side(code, size)
        assert code.side(code.reach(side)) == pytest.approx(side)
        said = poster(SURVEY, SITE, size).reach(code)
        told = float(re.findall(r"([\d.]+) m$", said[1])[0])
        assert told <= code.reach(side) < told + 0.1, "never further than it does"
        assert said[0].startswith(f"二维码边长 {side:.0f} 毫米")
    with pytest.raises(Unprintable, match="444 mm wide"):
        size_for(code, 3)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("languages", [["zh-CN", "en"], ["en", "zh-CN"], ["zh-CN"], ["en"]])
@pytest.mark.parametrize("long", [False, True])
def test_all_words_stand_on_the_sheet_and_nothing_on_another(
    size: str, languages: list[str], long: bool
) -> None:
    calls = {each: LONG[each] for each in languages} if long else None
    survey = replace(SURVEY, title=LONG) if long else SURVEY
    label = LONG["zh-CN"] * 2 + LONG["en"] if long else "Counter 3"
    host = "https://satisfaction.customer-service.example-company.com.cn/surveys" if long else HOST
    address = url(host, "a" * 40 if long else SURVEY.id, "7" * PERSONAL)
    shown = poster(survey, SITE, size, languages, calls)
    page = pypdfium2.PdfDocument(pdf(shown, [Sheet(code_of(address), label)]))[0]
    text = page.get_textpage()
    boxes = [text.get_rect(at) for at in range(text.count_rects())]
    wide, tall = page.get_size()
    margin = wide * 0.05
    for left, low, right, high in boxes:
        assert margin < left < right < wide - margin
        assert 0.02 * tall < low < high < tall
    for at, one in enumerate(boxes):
        for other in boxes[at + 1 :]:
            across = min(one[2], other[2]) - max(one[0], other[0])
            down = min(one[3], other[3]) - max(one[1], other[1])
            assert across < 1 or down < 2, "lines do not run into each other"
    # A code: between the calls above it and the minutes below.
    panel = (0.27 * tall, 0.73 * tall)
    assert not [box for box in boxes if panel[0] < (box[1] + box[3]) / 2 < panel[1]]
    said = re.sub(r"\s+", "", text.get_text_range())
    for words in [shown.calls[0], *([] if long else [*shown.calls, *shown.titles, label])]:
        assert re.sub(r"\s+", "", words) in said


def test_both_languages_speak_and_words_can_be_ones_own() -> None:
    assert poster(SURVEY, SITE).calls == ["扫一扫，评价本次服务", "Scan to rate our service"]
    own = poster(SURVEY, SITE, calls={"en": "Tell us!"})
    assert own.calls == ["扫一扫，评价本次服务", "Tell us!"]
    with pytest.raises(Unprintable, match="does not speak 'fr'; it has zh-CN, en"):
        poster(SURVEY, SITE, calls={"fr": "Dites-nous"})


def test_a_logo_is_drawn_also_where_it_is_svg(tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_text(LOGO)
    branded = replace(SITE, picture=read_logo(tmp_path / "logo.svg"))
    data = pdf(poster(SURVEY, branded), [Sheet(code_of(ADDRESSES[0]))])
    head = drawn(data).convert("RGB").crop((600, 90, 800, 150))
    assert (255, 128, 0) in set(map(head.getpixel, [(100, y) for y in range(60)]))
    assert read(drawn(data)) == {ADDRESSES[0]}


def test_a_print_shop_gets_colour_beyond_the_edge() -> None:
    page = pypdfium2.PdfDocument(made(ADDRESSES[0], bleed=True))[0]
    wide, tall = page.get_size()
    mm = 72 / 25.4
    assert (wide, tall) == pytest.approx((216 * mm, 303 * mm))
    assert page.get_trimbox() == pytest.approx((3 * mm, 3 * mm, 213 * mm, 300 * mm))
    edge = page.render(scale=1).to_pil().convert("RGB").getpixel((1, int(tall / 2)))
    assert edge == (0x8A, 0x1C, 0x4A)


def test_a_letter_no_font_has_is_named_before_anything_is_printed() -> None:
    with pytest.raises(NoFont, match="'⭐'"):
        made(ADDRESSES[0], label="⭐")
    face = Face(["en"])
    assert [font for font, *_ in face.runs("a “b” 店")] == [
        *("Helvetica", "STSong-Light", "Helvetica", "STSong-Light", "Helvetica", "STSong-Light")
    ]


def test_a_print_shop_gets_the_font_in_the_file() -> None:
    vera = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"
    data = made(ADDRESSES[0], label="Counter 3", languages=["en"], font=vera)
    assert b"/FontFile2" in data
    assert b"/STSong" not in data
    assert read(drawn(data)) == {ADDRESSES[0]}
    with pytest.raises(NoFont, match="Vera has no letter"):
        made(ADDRESSES[0], font=vera)


def test_words_stay_whole_and_lines_even() -> None:
    wide = Face(["en"]).wide
    found = fitted("one two three four five six", wide, 40, 8, 200, 110)
    assert " ".join(found.lines) == "one two three four five six"
    assert len(found.lines) > 1
    widths = [wide(line, found.size) for line in found.lines]
    assert max(widths) <= 200
    assert min(widths) > max(widths) / 2
    broken = fitted("x" * 400, wide, 40, 8, 200, 20)
    assert broken.lines[-1].endswith("…")
    signs = typesetting.broken("好（好）。好", Face(["zh-CN"]).wide, 10, 41)
    assert signs == ["好", "（好）。", "好"], "no sign is parted from its letter"


# On the command line


@pytest.fixture
def here(empty: Path) -> Path:
    done("new", "after-sales")
    done("link", "surveys/after-sales.yaml", "--open")
    (empty / "surveys" / "site.yaml").write_text(f"url: {HOST}\nshort: true\n")
    return empty


def echoform(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    return result.exit_code, result.output


def done(*arguments: str) -> str:
    code, said = echoform(*arguments)
    assert code == 0, said
    return said


def refused(*arguments: str) -> str:
    code, said = echoform(*arguments)
    assert code in (1, 2), said
    return said


def known(address: str) -> Link | None:
    return links.look_up(FolderStore(Path("data")), address.rsplit("/", 1)[1].lstrip("?"))


def test_a_poster_leads_to_a_new_open_link(here: Path) -> None:
    said = done("qr", "after-sales", "--store", "012", "--label", "Counter 3", "-o", "poster.pdf")
    assert "1 × A4, the code 118 mm wide, read from 0.89 m" in said
    [address] = read(drawn(Path("poster.pdf").read_bytes()))
    assert address.startswith("HTTPS://SURVEY.EXAMPLE.COM/S/AFTER-SALES/")
    assert known(address) == Link("after-sales", False, {"store": "012"}, label="Counter 3")
    again = address.rsplit("/", 1)[1].lower()
    done("qr", "after-sales", "--code", again, "-o", "code.svg")
    picture = resvg_py.svg_to_bytes(svg_string=Path("code.svg").read_text(), width=800)
    assert read(Image.open(BytesIO(picture))) == {address}


def test_every_store_gets_a_poster_of_its_own_and_keeps_its_link(here: Path) -> None:
    rows = [{"store": f"{n:03d}", "label": f"门店 {n} =1+1"} for n in range(1, 13)]
    with open("stores.csv", "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, ["store", "label"])
        writer.writeheader()
        writer.writerows(rows)
    done("qr", "after-sales", "--from", "stores.csv", "-o", "posters.pdf", "--size", "card")
    data = Path("posters.pdf").read_bytes()
    assert len(pypdfium2.PdfDocument(data)) == 12
    found = [read(drawn(data, page)).pop() for page in range(12)]
    for address, row in zip(found, rows, strict=True):
        link = known(address)
        assert link is not None
        assert (link.attributes, link.label, link.personal) == (
            {"store": row["store"]},
            row["label"],
            False,
        )
    assert "draw those links again" in refused(
        "qr", "after-sales", "--from", "stores.csv", "-o", "posters.pdf"
    )
    done("qr", "after-sales", "--from", "stores-links.csv", "-o", "codes", "--format", "png")
    files = sorted(Path("codes").iterdir())
    assert [file.name for file in files[:1]] == ["0001-门店-1-1-1.png"]
    assert [read(Image.open(file)).pop() for file in files] == found


def test_letters_to_customers_carry_their_personal_links(here: Path) -> None:
    Path("customers.csv").write_text("customer\nCUST-1\nCUST-2\n")
    done("link", "after-sales", "--from", "customers.csv")
    said = done("qr", "after-sales", "--from", "customers-links.csv", "-o", "letters.pdf")
    assert "each code is one customer's" in said
    data = Path("letters.pdf").read_bytes()
    links_of = [known(read(drawn(data, page)).pop()) for page in range(2)]
    assert [link and link.attributes["customer"] for link in links_of] == ["CUST-1", "CUST-2"]
    assert Path("letters.pdf").stat().st_mode & 0o077 == 0
    text = pypdfium2.PdfDocument(data)[0].get_textpage().get_text_range()
    assert "survey.example.com".upper() in text
    assert "CUST-1" not in text


def test_a_label_names_no_file_elsewhere(here: Path) -> None:
    Path("stores.csv").write_text("store,label\n1,../../up\n2,/etc/passwd\n3,\n")
    done("qr", "after-sales", "--from", "stores.csv", "-o", "codes", "--format", "svg")
    assert sorted(path.name for path in Path("codes").iterdir()) == [
        *("0001-up.svg", "0002-etc-passwd.svg", "0003.svg")
    ]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("-o", "poster.docx"), "call it .pdf, .svg or .png"),
        (("-o", "poster"), "call it .pdf, .svg or .png"),
        (("-o", "p.pdf", "--distance", "9"), "must be"),
        (("-o", "p.pdf", "--shop", "1"), "declares no attribute shop"),
        (("-o", "p.pdf", "--language", "fr"), "does not speak 'fr'"),
        (("-o", "p.pdf", "--code", "2345-6789"), "no link of after-sales"),
        (("-o", "p.svg", "--from", "stores.csv"), "name a folder"),
        (("-o", "p.svg", "--code", "2345-6789", "--store", "1"), "draws a link as it is"),
        (("-o", "p.pdf", "--from", "bad.csv", "--expires", "3d"), "are made already"),
        (("-o", "p.pdf", "--from", "bad.csv"), "bad.csv:2: no link of after-sales"),
        (("-o", "p.pdf", "--label", "x" * 201), "label: Use at most 200"),
    ],
)
def test_what_cannot_be_drawn_is_said_and_no_link_is_made(
    here: Path, arguments: tuple[str, ...], reason: str
) -> None:
    Path("stores.csv").write_text("store\n1\n")
    Path("bad.csv").write_text("code\n23456789\n")
    before = {path: path.read_bytes() for path in (here / "data").glob("links/*")}
    assert reason in refused("qr", "after-sales", *arguments)
    assert {path: path.read_bytes() for path in (here / "data").glob("links/*")} == before


def test_codes_that_lead_to_this_machine_alone_say_so(here: Path) -> None:
    (here / "surveys" / "site.yaml").write_text("")
    assert "this machine alone: write `url`" in done("qr", "after-sales", "-o", "p.pdf")
    (here / "surveys" / "site.yaml").write_text("url: https://example.com/ask\nshort: true\n")
    assert "leave `short` out of site.yaml" in refused("qr", "after-sales", "-o", "p.pdf")
