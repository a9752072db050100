"""The brand from site.yaml: in the page, small, harmless, legible; else refused where it stands."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest
from msgspec.structs import replace

from generator.colours import illegible, palette, shades_of
from generator.logo import LARGEST
from generator.places import TEMPLATES
from generator.plain import BadFile
from generator.render import lost_page, pages
from generator.site import Site, load_site
from tests.surveys import after_sales, kitchen_sink

STYLE = (TEMPLATES / "survey" / "style.css").read_text("utf-8")
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 40">{}</svg>'
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 300, 100) + b"\x08\x06\0\0\0"


def site(folder: Path, yaml: str, **files: str | bytes) -> Site:
    for name, data in files.items():
        path = folder / name.replace("_", ".")
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    (folder / "site.yaml").write_text(yaml, "utf-8")
    return load_site(folder / "site.yaml")


LOGO = "name: {zh-CN: 回声, en: Echo}\nlogo: "


def test_a_logo_stands_in_every_page_with_the_brands_name(tmp_path: Path) -> None:
    brand = site(tmp_path, LOGO + "a.svg", a_svg=SVG.format("<path d='M0 0h9v9z'/>"))
    for path, data in pages(after_sales(), brand).items():
        name = "Echo" if "/en/" in path else "回声"
        assert re.search(
            rf'<img src="data:image/svg[^"]*" alt={name} width=120 height=40>', data.decode()
        )


def test_what_could_run_or_load_is_left_out_of_an_svg(tmp_path: Path) -> None:
    hostile = (
        "<script>alert(1)</script><foreignObject><a href='x'/></foreignObject>"
        "<path onclick='alert(1)' d='M0 0'/><image href='https://x.test/a.png'/>"
        "<use href='https://x.test/b#c'/><use href='beside.svg#c'/><g style='fill:url(https://x.test/d)'/>"
        "<a href='javascript:alert(1)'><circle r='1'/></a><circle fill='url(#own)' r='7'/>"
    )
    uri = site(tmp_path, LOGO + "a.svg", a_svg=SVG.format(hostile)).picture.uri  # type: ignore[union-attr]
    said = uri.removeprefix("data:image/svg+xml,")
    for evil in ("script", "alert", "foreignObject", "x.test", "beside", "onclick", "image"):
        assert evil not in said
    assert "url(%23own)" in said


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (PNG, (300, 100)),
        (
            b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\x2b\x01\0\x63\0\0" + b"\0" * 8,
            (300, 100),
        ),
        (
            b"RIFF\x1a\0\0\0WEBPVP8L\x0a\0\0\0\x2f" + struct.pack("<I", 299 | 99 << 14) + b"\0" * 8,
            (300, 100),
        ),
    ],
    ids=["png", "webp", "lossless webp"],
)
def test_a_picture_has_its_size_so_that_nothing_shifts(
    tmp_path: Path, data: bytes, size: tuple[int, int]
) -> None:
    name = "a.png" if data[:4] == b"\x89PNG" else "a.webp"
    picture = site(tmp_path, LOGO + name, **{name.replace(".", "_"): data}).picture
    assert picture is not None
    assert (picture.width, picture.height) == size


@pytest.mark.parametrize(
    ("yaml", "files", "said"),
    [
        (LOGO + "a.png", {"a_png": PNG + b"\0" * LARGEST}, "at most 4,000"),
        (LOGO + "a.png", {"a_png": b"<svg/>"}, "not the PNG"),
        (LOGO + "a.gif", {"a_gif": b"GIF89a"}, "SVG, PNG or WebP"),
        (LOGO + "a.svg", {"a_svg": "<svg"}, "not SVG"),
        (LOGO + "a.svg", {"a_svg": "<!DOCTYPE x [<!ENTITY a 'b'>]><svg/>"}, "no entities"),
        (LOGO + "none.svg", {}, "cannot be read"),
        ("logo: a.png", {"a_png": PNG}, "a logo needs `name`"),
        ("font: [url(https://x.test/f.woff)]", {}, "font"),
        ("font: ['a\"; b']", {}, "font"),
        ("dark: '#20242a'", {}, "dark #20242a"),
        ("colour: '#ffcc00'", {}, "contrast of 1.5"),
        ("embed: ['*']", {}, "embed"),
        ("embed: ['https://a.test/; script-src *']", {}, "embed"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_cannot_be_used_is_said_with_its_reason(
    tmp_path: Path, yaml: str, files: dict[str, str | bytes], said: str
) -> None:
    with pytest.raises(BadFile, match=re.escape(said)) as bad:
        site(tmp_path, yaml, **files)
    assert str(tmp_path) in str(bad.value)


def test_fonts_are_those_of_the_device(tmp_path: Path) -> None:
    brand = site(tmp_path, "font: [PingFang SC, Microsoft YaHei, sans-serif]")
    page = pages(after_sales(), brand)["after-sales/index.html"].decode()
    assert "font:1rem/1.5 pingfang sc,microsoft yahei,sans-serif" in page


def test_a_dark_shade_of_ones_own_is_used(tmp_path: Path) -> None:
    brand = site(tmp_path, "dark: '#ffb3a7'")
    page = pages(after_sales(), brand)["after-sales/index.html"].decode()
    assert "--brand:#ffb3a7" in page


def test_the_style_as_it_ships_is_legible_in_both_modes() -> None:
    """The pairs are read from the style itself: a shade made too pale there fails here."""
    shades = shades_of(STYLE)
    assert {"ink", "soft", "paper", "wrong", "edge"} <= set(shades)
    assert shades["paper"] == ("#ffffff", "#181d24")
    assert not list(illegible(shades | palette(Site().colour)))
    pale = shades | {"soft": ("#999999", "#999999")} | palette(Site().colour)
    assert [str(each) for each in illegible(pale)] == [
        "a hint on the page in light mode has a contrast of 2.8, and needs 4.5"
    ]


def test_a_page_says_what_a_share_a_tab_and_a_phone_want_to_know() -> None:
    page = pages(after_sales(), Site(colour="#7a1f6b"))["after-sales/index.html"].decode()
    assert '<meta name=theme-color content="#7a1f6b">' in page
    assert 'name=format-detection content="telephone=no"' in page
    assert 'property="og:title" content="售后服务评价"' in page
    assert 'name=description property="og:description"' in page
    assert re.search("<link rel=icon href=[^>]*fill='%237a1f6b'", page)


def test_minutes_are_computed_and_promised_unless_the_author_did() -> None:
    silent = pages(kitchen_sink(), Site())
    assert "<p class=i>约 1 分钟" in silent["kitchen-sink/index.html"].decode()
    assert "<p class=i>About 1 minute" in silent["kitchen-sink/en/index.html"].decode()
    first = kitchen_sink().sections[0]
    doubled = [replace(first, id=f"s{n}", questions=first.questions[:1] * 40) for n in range(3)]
    long = pages(replace(kitchen_sink(), sections=doubled), Site())
    assert "<p class=i>约 2 分钟" in long["kitchen-sink/index.html"].decode()
    assert "<p class=i>约" not in pages(after_sales(), Site())["after-sales/index.html"].decode()


def test_where_there_is_no_page_it_is_said_in_every_language() -> None:
    page = lost_page([after_sales()], Site()).decode()
    assert "没有找到这个页面" in page
    assert re.search("<div class=p lang=en[^>]*>.*This page does not exist", page, re.S)
