"""The command line, as a marketer or an analyst uses it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from generator.__main__ import SECTIONS, main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def here(empty: Path) -> Path:
    """An empty folder to work in."""
    return empty


def echoform(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def done(*arguments: str) -> str:
    result = echoform(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_every_command_is_in_the_readme_and_says_what_it_does() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    listed = set(re.findall(r"^\| `([\w-]+)", readme, re.M))
    assert set(main.commands) <= listed
    table = re.findall(r"^\| (?:\*\*([A-Z][\w ]+)\*\* \| \||`([\w-]+))", readme, re.M)
    grouped: dict[str, list[str]] = {}
    for title, name in table:
        if title:
            under = grouped.setdefault(title, [])
        elif grouped and name in main.commands and name not in under:
            under.append(name)
    assert grouped == {t: [str(each.name) for each in found] for t, found in SECTIONS.items()}
    for name, command in main.commands.items():
        assert command.help, name
        for parameter in command.params:
            if isinstance(parameter, click.Option) and parameter.name not in ("folder", "dist"):
                assert parameter.help or parameter.show_default or parameter.required, parameter


def test_from_a_template_to_a_site(here: Path) -> None:
    assert "after-sales" in done("new")
    done("new", "after-sales", "--id", "counter")
    assert (here / "surveys" / "counter.yaml").is_file()
    assert "0 with errors" in done("check")
    done("build")
    assert (here / "dist" / "counter" / "en" / "index.html").is_file()
    assert "0 files written" in done("build")


def test_new_never_writes_over_a_survey(here: Path) -> None:
    done("new", "after-sales")
    again = echoform("new", "after-sales")
    assert again.exit_code == 1
    assert "there already" in again.output


def test_check_lists_every_problem_and_fails(here: Path) -> None:
    (here / "bad.yaml").write_text(
        "id: bad\ntitle: Bad\nlanguages: [en]\ntimezone: Mars/Base\nsections:\n"
        "  - id: all\n    questions:\n      - {id: q, type: ratting, text: How?}\n"
        "      - {id: q2, type: rating, text: And?, show_if: q9 > 1}\n"
    )
    result = echoform("check", "bad.yaml")
    assert result.exit_code == 1
    lines = [line for line in result.output.splitlines() if line.startswith("bad.yaml:")]
    assert {line.split(":")[1] for line in lines} >= {"4", "8", "9"}


def test_check_looks_at_the_site_too(here: Path) -> None:
    done("new", "after-sales")
    (here / "surveys" / "site.yaml").write_text("colour: yellow\n")
    result = echoform("check")
    assert result.exit_code == 1
    assert "surveys/site.yaml" in result.output


def test_without_surveys_it_says_how_to_make_one(here: Path) -> None:
    for command in ("check", "build", "serve", "preview"):
        result = echoform(command)
        assert result.exit_code == 2
        assert "echoform new" in result.output


def test_the_schema_is_json_schema(here: Path) -> None:
    assert json.loads(done("schema"))["$schema"].startswith("https://json-schema.org/")


def test_from_a_table_to_scores_and_sql(here: Path) -> None:
    done("new", "after-sales")
    from generator.definition import compile_file  # after the folder is this test's own

    contract = compile_file(Path("surveys/after-sales.yaml")).contract
    assert contract
    scales = [f.id for f in contract.fields if f.kind == "scale" and f.show_if is None]
    required = {
        f.id: (f.rule or [])[1][0] for f in contract.fields if f.required and f.kind == "code"
    }
    names = [*scales, *(name for name in required if name not in scales)]
    header = ",".join(["id", "at", "agent", *names])
    rows = [
        ",".join([f"r{n}", f"2026-05-{n + 1:02d}", "A" if n % 2 else "B"])
        + "".join(f",{5 if name in scales else required[name]}" for name in names)
        for n in range(8)
    ]
    Path("rows.csv").write_text("\n".join([header, *rows]), "utf-8")
    answers = "".join(f"  {name}: {name}\n" for name in names)
    Path("map.yaml").write_text(
        f"source_id: id\ntime: at\nattributes: {{agent: agent}}\nanswers:\n{answers}"
    )
    command = ("load", "surveys/after-sales.yaml", "rows.csv", "--map", "map.yaml")
    assert "8 added, 0 already there" in done(*command)
    assert "0 added, 8 already there" in done(*command)

    sql = "select agent, count(*) as n from after_sales group by agent order by agent"
    assert json.loads(done("query", sql, "--format", "json")) == [
        {"agent": "A", "n": 4},
        {"agent": "B", "n": 4},
    ]
    assert "A" in done("scores", "after-sales", "--by", "agent")
    assert json.loads(done("scores", "after-sales", "--format", "json"))
    assert "unchanged 8" in done("job", "tally").replace(":", "")


def test_what_cannot_be_is_said_in_words_and_never_as_a_stack(here: Path) -> None:
    done("new", "after-sales")
    for arguments, words in [
        (("scores", "nothing"), "nothing"),
        (("query", "select 1 from nowhere"), "nowhere"),
        (("query", "selec 1"), "selec"),
        (("job", "mend"), "merge"),
        (("load", "nothing", "x.csv", "--map", "m.yaml"), "nothing"),
        (("load", "surveys/after-sales.yaml", "x.csv", "--map", "m.yaml"), "m.yaml"),
        (("job", "merge", "--data", "s3://bucket"), "ECHOFORM_KEY"),
    ]:
        result = echoform(*arguments)
        assert result.exit_code in (1, 2), arguments
        assert words in result.output
        assert "Traceback" not in result.output
