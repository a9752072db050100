"""Short addresses lead to the plain ones, on our server and through CloudFront's function alike."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from generator.link_addresses import NoShortForm, led, short, url

ROOT = Path(__file__).parents[2]
VECTORS: list[dict[str, str]] = json.loads(
    (ROOT / "tests" / "vectors" / "addresses.json").read_text("utf-8")
)
RUN = """
const {script, events} = JSON.parse(require("fs").readFileSync(0, "utf8"));
const handler = new Function(script + "; return handler")();
console.log(JSON.stringify(events.map(request => handler({request}))));
"""


def asked(vector: dict[str, str]) -> tuple[str, str]:
    path, _, query = vector["asked"].partition("?")
    return path, query


def event(path: str, query: str) -> dict[str, Any]:
    """A request as CloudFront hands it to a function."""
    parts: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in parts:
            parts[name].setdefault("multiValue", [{"value": parts[name]["value"]}])
            parts[name]["multiValue"].append({"value": value})
        else:
            parts[name] = {"value": value}
    return {"method": "GET", "uri": path, "querystring": parts, "headers": {}}


@pytest.fixture(scope="module")
def replies() -> list[dict[str, Any]]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node.js")
    script = (ROOT / "infra" / "rewrite.js").read_text("utf-8")
    events = [event(*asked(vector)) for vector in VECTORS]
    done = subprocess.run(
        [node, "-e", RUN],
        input=json.dumps({"script": script, "events": events}),
        capture_output=True,
        text=True,
        check=True,
    )
    return list(json.loads(done.stdout))


@pytest.mark.parametrize("at", range(len(VECTORS)), ids=[v["why"] for v in VECTORS])
def test_cloudfronts_function_leads_where_the_vectors_say(
    replies: list[dict[str, Any]], at: int
) -> None:
    vector, reply = VECTORS[at], replies[at]
    if "leads" in vector:
        assert reply["statusCode"] == 302
        assert reply["headers"]["location"]["value"] == vector["leads"]
        assert reply["headers"]["cache-control"]["value"] == "no-store"
    else:
        assert reply["uri"] == vector["file"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["why"])
def test_our_server_leads_to_the_same(vector: dict[str, str]) -> None:
    """What lacks its slash it looks up among its pages (test_serving)."""
    is_short = "leads" in vector and asked(vector)[0].startswith(("/S/", "/o"))
    assert led(*asked(vector)) == (vector["leads"] if is_short else None)


def test_the_short_form_is_all_capitals_and_leads_back() -> None:
    address = short("https://ask.example.com/", "after-sales", "7K2M9QXC")
    assert address == "HTTPS://ASK.EXAMPLE.COM/S/AFTER-SALES/7K2M9QXC"
    assert set(address) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")
    plain = urlsplit(url("https://ask.example.com/", "after-sales", "7K2M9QXC"))
    assert led(urlsplit(address).path, "") == f"{plain.path}?{plain.query}"


def test_a_site_below_a_path_has_no_short_form() -> None:
    with pytest.raises(NoShortForm, match="host of its own"):
        short("https://example.com/ask", "after-sales", "7K2M9QXC")
