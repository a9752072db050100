"""One stage for all of a module: packaged, deployed into a stand-in of AWS, published, served."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from generator import local_aws, stand_in
from generator.local_aws import Stage
from generator.local_front import Front
from generator.places import SURVEYS
from generator.stand_in import NoStandIn, StandIn
from generator.wheels import NoWheels
from tests.browser.conftest import chromium, phone

__all__ = ["chromium", "phone"]
Step = Callable[[str], AbstractContextManager[None]]


@pytest.fixture(scope="session")
def step() -> Step:
    """Says what is rehearsed, and how long it took."""

    @contextmanager
    def said(what: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        print(f"\n  {time.monotonic() - begun:5.1f} s  {what}", end="", flush=True)

    return said


@pytest.fixture(scope="session")
def built(step: Step) -> Path:
    """The packages for this machine."""
    try:
        with step("packages"):
            return local_aws.packaged(lambda line: None)
    except (NoStandIn, NoWheels) as error:
        pytest.skip(f"nothing can be packaged here: {error}")


@pytest.fixture(scope="session")
def aws(step: Step) -> Iterator[StandIn]:
    try:
        with step("the stand-in is installed, if it was not yet"):
            stand_in.ministack()
    except NoStandIn as error:
        pytest.skip(f"nothing here can stand in for AWS: {error}")
    with stand_in.running() as aws:
        yield aws


@pytest.fixture(scope="module")
def stage(aws: StandIn, built: Path, step: Step) -> Iterator[Stage]:
    """Deployed; commands of this process work on it."""
    with step("deployed"):
        stage = local_aws.deployed(aws, built, lambda line: None)
    with local_aws.environment(stage.environment):
        yield stage


@pytest.fixture(scope="session")
def surveys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of surveys as they ship."""
    folder = tmp_path_factory.mktemp("surveys")
    for name in ("after-sales", "service-recovery"):
        (folder / f"{name}.yaml").write_bytes((SURVEYS / f"{name}.yaml").read_bytes())
    return folder


@pytest.fixture(scope="module")
def front(stage: Stage, surveys: Path, step: Step) -> Iterator[Front]:
    """Published and served, on a site with short addresses."""
    with local_aws.served(stage, "127.0.0.1", 0) as front:
        (surveys / "site.yaml").write_text(f"url: {front.address}\nshort: true\n", "utf-8")
        with step("published"), redirect_stdout(StringIO()):
            local_aws.publish([surveys], stage, print)
        yield front
