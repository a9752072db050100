"""What all tests share: the long profile, which runs only when asked for; and an environment in
which they are nobody to AWS, and leave nothing for the next."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.account import CREDENTIALS

os.environ |= CREDENTIALS
os.environ.pop("AWS_PROFILE", None)

# How long one example takes says more about the machine than about us.
settings.register_profile("ours", deadline=None)
settings.load_profile("ours")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the long profile too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    skip = pytest.mark.skip(reason="the long profile: ask for it with --long")
    for item in items:
        if "long" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """As the test found it: which test comes next is chance."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and an environment that says nothing."""
    monkeypatch.chdir(tmp_path)
    for name in ("ECHOFORM_DATA", "ECHOFORM_KEY", "ECHOFORM_S3_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path
