"""No script that ships asks for an engine younger than ES2015 (DESIGN.md, "The page")."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chalicelib.survey import Contract
from generator.definition import compile_file
from generator.places import SURVEYS
from generator.render import pages
from generator.site import Site
from tests.es2015 import complaints
from tests.surveys import after_sales, kitchen_sink

KITCHEN_SINK = Path(__file__).parent / "surveys" / "kitchen-sink.yaml"
FILES = [path for path in sorted(SURVEYS.glob("*.yaml")) if path.name != "site.yaml"]
SCRIPT = re.compile("<script>(.*?)</script>", re.S)


def contracts() -> list[Contract]:
    compiled = [compile_file(path).contract for path in [*FILES, KITCHEN_SINK]]
    return [after_sales(), kitchen_sink(), *(contract for contract in compiled if contract)]


def scripts() -> dict[str, str]:
    """Every script of every page, by its text: most pages share theirs."""
    return {
        script: name
        for contract in contracts()
        for name, page in pages(contract, Site()).items()
        for script in SCRIPT.findall(page.decode())
    }


def test_every_script_that_ships_is_of_2015() -> None:
    found = scripts()
    assert len(found) >= 2  # the start, and the form
    assert {name: wrong for script, name in found.items() if (wrong := complaints(script))} == {}


@pytest.mark.parametrize(
    "later",
    [
        "a?.b",
        "a??b",
        "a??=b",
        "a**b",
        "async()=>{}",
        "x={...y}",
        "({a,...b}=c)",
        "try{}catch{}",
        "f(a,)",
        "(a,)=>a",
        "1_000",
        "10n",
        "/(?<=a)b/",
        "/a/s",
        "/\\p{L}/u",
        "class A{#b=1}",
        "class A{b=1}",
        "for await(const a of b);",
        "import('a')",
        "[].includes(1)",
        "Object.entries({})",
        "''.padStart(2)",
        "[].flat()",
        "globalThis",
        "fetch('/')",
        "new URL('/')",
        "let a = ;",
    ],
)
def test_what_came_later_is_noticed(later: str) -> None:
    assert complaints(f"const a=1,b=2,c=3,f=4,x=5,y=6;{later}")


@pytest.mark.parametrize(
    "script",
    [
        "const [a,{b,c:d=[]}={},...e]=f();function f(...g){return [...g,a,b,d,e]}",
        "class A extends Object{get b(){return super.b}}new A",
        "for(const a of new Set)`${a}`.normalize();",
        "if(window.fetch)fetch('/')",
        "try{JSON.parse('')}catch(error){throw error}",
        "const a={at:1,b(){},[`c`]:/a/gu};a.b(a.at)",
    ],
)
def test_what_was_there_is_not(script: str) -> None:
    assert complaints(script) == []
