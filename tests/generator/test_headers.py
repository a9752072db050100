"""What servers must send: the page's own policy, who may frame it, and nothing loosened."""

from __future__ import annotations

import json
import re

import msgspec
import pytest

from generator.building import site_of
from generator.headers import written
from generator.site import Site
from tests.surveys import after_sales, kitchen_sink

PAGES = site_of([after_sales(), kitchen_sink()], Site())


@pytest.mark.parametrize("path", PAGES)
def test_a_page_and_its_server_say_the_same_policy(path: str) -> None:
    page, headers = PAGES[path]
    policy = headers["Content-Security-Policy"]
    meta = re.search(r'content-security-policy content="([^"]*)"', page.decode(), re.I)
    assert meta is not None
    assert policy == f"{meta[1]};frame-ancestors 'none'"
    assert "unsafe" not in policy
    staff = path.startswith("staff/")
    assert headers["Referrer-Policy"] == ("no-referrer" if staff else "same-origin")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "geolocation=()" in headers["Permissions-Policy"]


def test_pages_without_a_script_allow_none() -> None:
    for path in ("after-sales/thanks/index.html", "404.html"):
        assert "script-src" not in PAGES[path][1]["Content-Security-Policy"]


@pytest.mark.parametrize("path", PAGES)
def test_there_is_no_inline_handler_anywhere(path: str) -> None:
    page = re.sub("<script.*?</script>", "", PAGES[path][0].decode(), flags=re.S)
    assert not re.search(r"<[^>]*\son\w+=", page)
    assert "javascript:" not in page


def test_a_frame_is_allowed_where_the_author_says_so() -> None:
    shop = msgspec.structs.replace(after_sales(), embed=["https://shop.test"])
    site = site_of([shop, kitchen_sink()], Site(embed=["https://all.test"]))

    def framed(path: str) -> str:
        return site[path][1]["Content-Security-Policy"].rpartition(";")[2]

    assert framed("after-sales/index.html") == "frame-ancestors https://all.test https://shop.test"
    assert framed("kitchen-sink/index.html") == "frame-ancestors https://all.test"
    assert framed("404.html") == "frame-ancestors 'none'"


def test_both_files_say_the_same_by_path() -> None:
    headers = {"/a/": {"X-One": "1", "X-Two": "2"}, "/404.html": {"X-One": "3"}}
    files = written(headers)
    assert json.loads(files["headers.json"]) == headers
    assert files["_headers"].decode() == ("/404.html\n  X-One: 3\n/a/\n  X-One: 1\n  X-Two: 2\n")
