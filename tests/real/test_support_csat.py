"""Real answers, end to end: what scores and SQL say is what pandas says of the file itself.

The file is not part of the project (it names no licence): without it beside the checkout, skipped.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from scipy import stats
from statsmodels.stats.proportion import proportion_confint, proportions_ztest

from chalicelib.storage import FolderStore
from generator.__main__ import main

HERE = Path(__file__).parent
FILE = HERE.parents[1].parent / "shared" / "data" / "support-csat.csv"
CUTS = {
    "supervisor": "Supervisor",
    "category": "category",
    "manager": "Manager",
    "shift": "Agent Shift",
    "tenure": "Tenure Bucket",
    "day": "Survey_response_Date",
    "channel": "channel_name",
    "agent": "Agent_name",
}

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="the file is not beside the checkout")


def echoform(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    data = str(tmp_path_factory.mktemp("support") / "data")
    assert "17182 added, 0 already there, 0 rows with problems" in load(data)
    return data


def load(data: str) -> str:
    mapping = str(HERE / "support-csat-map.yaml")
    survey = str(HERE / "support-csat.yaml")
    return echoform("load", survey, str(FILE), "--map", mapping, "--data", data)


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    return pd.read_csv(FILE)


def scores(data: str, *more: str) -> list[dict]:
    found = json.loads(
        echoform("scores", "support-csat", "--format", "json", "--data", data, *more)
    )
    return found["segments"]


def csat(segment: dict) -> dict:
    return next(item for item in segment["items"] if item["id"] == "csat")


def test_the_counts_are_the_files(data: str) -> None:
    [everybody] = scores(data)
    assert everybody["n"] == 17182
    assert csat(everybody)["counts"] == {
        "5": 11934,
        "4": 2277,
        "3": 503,
        "2": 227,
        "1": 2241,
    }


@pytest.mark.parametrize("key", CUTS)
def test_scores_by_a_segment_are_what_pandas_says(data: str, truth: pd.DataFrame, key: str) -> None:
    column = truth[CUTS[key]]
    if key == "day":
        column = pd.to_datetime(column, format="%d-%b-%y").dt.strftime("%Y-%m-%d")
    groups = truth.groupby(column)["CSAT Score"]
    expected = pd.DataFrame(
        {"n": groups.size(), "mean": groups.mean(), "top2": groups.apply(lambda s: (s >= 4).mean())}
    )
    segments = {segment["value"]: csat(segment) for segment in scores(data, "--by", key)}
    assert set(segments) == {str(value).strip() for value in expected.index}
    for value, row in expected.iterrows():
        found = segments[str(value).strip()]
        assert found["n"] == row["n"]
        assert found["mean"]["mean"] == pytest.approx(row["mean"], abs=1e-12)
        assert found["top2"]["share"] == pytest.approx(row["top2"], abs=1e-12)
        answers = groups.get_group(value)
        hits, n = int((answers >= 4).sum()), len(answers)
        assert found["counts"] == {str(v): c for v, c in answers.value_counts().items()}
        wilson = proportion_confint(hits, n, method="wilson")
        assert (found["top2"]["low"], found["top2"]["high"]) == pytest.approx(wilson, abs=1e-9)
        if n > 1:
            assert found["mean"]["sd"] == pytest.approx(answers.std(), abs=1e-9)
            spread = stats.sem(answers)
            half = stats.t.ppf(0.975, n - 1) * spread
            interval = answers.mean() - half, answers.mean() + half
            said = found["mean"]["low"], found["mean"]["high"]
            assert said == pytest.approx(interval, abs=1e-9)


@pytest.mark.parametrize("key", ["manager", "shift", "tenure", "category"])
def test_each_against_the_rest_is_what_statsmodels_and_scipy_say(
    data: str, truth: pd.DataFrame, key: str
) -> None:
    """The rest by subtraction of counts; here by leaving out the rows."""
    said = echoform(
        *("compare", "support-csat", "--by", key, "--on", "csat"),
        "--format",
        "json",
        "--data",
        data,
    )
    for line in json.loads(said)["lines"]:
        mine = truth[CUTS[key]].str.strip() == line["segment"]
        one, two = truth[~mine]["CSAT Score"], truth[mine]["CSAT Score"]
        if len(two) < 30:
            assert line["test"]["verdict"] == "too_few"
        elif line["figure"] == "mean":
            expected = stats.ttest_ind(one, two, equal_var=False).pvalue
            assert line["test"]["p"] == pytest.approx(expected, rel=1e-9)
        else:
            hits = [(one >= 4).sum(), (two >= 4).sum()]
            expected = proportions_ztest(hits, [len(one), len(two)])[1]
            assert line["test"]["p"] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("key", ["supervisor", "category"])
def test_what_is_published_tells_nobody_small(data: str, truth: pd.DataFrame, key: str) -> None:
    command = ("scores", "support-csat", "--publishable", "--wave", "2023-08", "--format", "json")
    rows = json.loads(echoform(*command, "--by", key, "--data", data))["rows"]
    people = truth[CUTS[key]].str.strip().value_counts()
    shown = {row["segment"][0] for row in rows if row["item"] == "responses"}
    assert shown == set(people.index) if people.min() >= 10 else shown < set(people.index)
    for row in rows:
        assert row["n"] >= (10 if row["item"] == "responses" else 30)
        if row["figure"] == "top2":
            hits = round(row["value"] * row["n"])
            assert all(side == 0 or side >= 10 for side in (hits, row["n"] - hits))


@pytest.mark.parametrize("key", [key for key in CUTS if key != "day"])
def test_sql_says_the_same(data: str, truth: pd.DataFrame, key: str) -> None:
    sql = (
        f"select {key}, count(*) as n, avg(csat) as mean, "
        "avg(case when csat >= 4 then 1.0 else 0.0 end) as top2 "
        f"from support_csat group by {key}"
    )
    rows = json.loads(echoform("query", sql, "--format", "json", "--data", data))
    groups = truth.groupby(truth[CUTS[key]].str.strip())["CSAT Score"]
    means, tops = groups.mean(), groups.apply(lambda s: (s >= 4).mean())
    assert {row[key]: row["n"] for row in rows} == groups.size().to_dict()
    for row in rows:
        assert row["mean"] == pytest.approx(means[row[key]], abs=1e-12)
        assert row["top2"] == pytest.approx(tops[row[key]], abs=1e-12)


def test_remarks_and_days_came_along(data: str, truth: pd.DataFrame) -> None:
    sql = "select dt, count(*) as n, count(remarks) as said from support_csat group by dt"
    rows = json.loads(echoform("query", sql, "--format", "json", "--data", data))
    days = pd.to_datetime(truth["Survey_response_Date"], format="%d-%b-%y").dt.strftime("%Y-%m-%d")
    assert {row["dt"]: row["n"] for row in rows} == days.value_counts().to_dict()
    assert sum(row["said"] for row in rows) == truth["Customer Remarks"].notna().sum()


def test_loading_again_changes_nothing(data: str) -> None:
    store = FolderStore(Path(data))
    echoform("job", "tally", "--data", data)  # adds weeks and months up
    before = list(store.list(""))
    assert "0 added, 17182 already there, 0 rows with problems" in load(data)
    assert list(store.list("")) == before, "not a byte of it was written again"
