"""A publishing may be cut off anywhere; what was live comes back; two at once spoil nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import boto3
import pytest
from moto import mock_aws
from msgspec import structs

from chalicelib import keys
from chalicelib.days import DAY_MS
from chalicelib.published import Definitions
from chalicelib.running import now
from chalicelib.storage import FolderStore, MemoryStore, Store
from generator import releases
from generator.building import Gathered, gather
from generator.publishing import NoShortAddresses, publish_site, roll_back
from generator.releases import NoRelease, Overtaken
from generator.stage import Place
from tests.interleaving import Cut, Stepped, Steps

SURVEY = """\
id: counter
title: {en: How was it?}
languages: [en]
timezone: Asia/Shanghai
sections:
  - id: service
    questions:
      - {id: attitude, type: rating, text: {en: Attitude}}
"""
OTHER = SURVEY.replace("counter", "hotline")
_VERSION = re.compile(rb'name="?_version"? value="?([0-9a-f]{16})')


class Front:
    """CloudFront, which keeps what it was asked for until it is told to forget it."""

    def __init__(self) -> None:
        self.forgot: set[str] = set()

    def create_invalidation(self, DistributionId: str, InvalidationBatch: Any) -> None:
        self.forgot |= {*InvalidationBatch["Paths"]["Items"]}


class World:
    """A store, a site and CloudFront, with what is published there."""

    def __init__(self, store: Store | None = None, like: World | None = None) -> None:
        self.store = MemoryStore() if store is None else store
        self.s3, self.front = boto3.client("s3"), Front()
        self.site = f"site-{token_hex(8)}"
        region = self.s3.meta.region_name
        where = {} if region == "us-east-1" else {"LocationConstraint": region}
        self.s3.create_bucket(
            Bucket=self.site, **({"CreateBucketConfiguration": where} if where else {})
        )
        if like is not None:
            for entry in like.store.list(""):
                self.store.create(entry.key, like.store.get(entry.key).data)
            for name, data in like.pages().items():
                self.s3.put_object(Bucket=self.site, Key=name, Body=data)

    def place(self, steps: Steps | None = None) -> Place:
        steps = steps or Steps()
        s3, front = boto3.client("s3"), Front()
        s3.meta.events.register("before-call", lambda **_: steps.step())

        def told(DistributionId: str, InvalidationBatch: Any) -> None:
            steps.step()
            self.front.create_invalidation(DistributionId, InvalidationBatch)

        front.create_invalidation = told  # type: ignore[method-assign]
        clients = {"s3": s3, "cloudfront": front}
        return Place(Stepped(self.store, steps), "data", self.site, "E1", clients)

    def publish(self, gathered: Gathered, steps: Steps | None = None) -> list[str]:
        said: list[str] = []
        publish_site(gathered, self.place(steps), False, said.append)
        return said

    def roll_back(self, number: int | None = None, steps: Steps | None = None) -> list[str]:
        said: list[str] = []
        roll_back(self.place(steps), number, False, said.append)
        return said

    def pages(self) -> dict[str, bytes]:
        found = self.s3.list_objects_v2(Bucket=self.site).get("Contents", [])
        return {
            each["Key"]: self.s3.get_object(Bucket=self.site, Key=each["Key"])["Body"].read()
            for each in found
        }

    def live(self) -> dict[str, str]:
        definitions = Definitions(self.store)
        return {name: definitions.current(name).version for name in definitions.surveys()}

    def state(self) -> object:
        laid = [
            (entry.key, self.store.get(entry.key).data)
            for entry in self.store.list(keys.DEFINITIONS)
            if not entry.key.endswith("current.json")
        ]
        codebook = [entry.key for entry in self.store.list(keys.QUESTIONS)]
        pointer = releases.pointer(self.store)[0]
        release = releases.read(self.store, pointer.live)
        return self.pages(), self.live(), laid, codebook, pointer, release.files, release.versions

    def check(self) -> None:
        """No page is live whose contract is not: each one's answers would be taken."""
        definitions = Definitions(self.store)
        for path, data in self.pages().items():
            for version in _VERSION.findall(data):
                publication = definitions.publication(path.split("/")[0])
                assert publication.accepts(version.decode(), now()), path


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


def written(tmp_path: Path, *surveys: str) -> Gathered:
    folder = tmp_path / str(len([*tmp_path.iterdir()]))
    folder.mkdir()
    for number, text in enumerate(surveys):
        (folder / f"{number}.yaml").write_text(text, "utf-8")
    return gather([folder])


@pytest.fixture
def first(tmp_path: Path) -> Gathered:
    return written(tmp_path, SURVEY)


@pytest.fixture
def second(tmp_path: Path) -> Gathered:
    return written(tmp_path, SURVEY.replace("Attitude", "Manners"), OTHER)


EVERY = pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.long), 3])
"""At each call there is; in a short run at every third."""


def everywhere(
    go: Callable[[World, Steps | None], object], begin: Callable[[World], None], stride: int
) -> None:
    """Cut off before each call, and repeat: what was cut off shows no page too many, and
    in the end all is as it would have been."""
    start = World()
    begin(start)
    before, whole = start.pages(), World(like=start)
    go(whole, None)
    wanted = whole.state()
    cuts = 0
    while True:
        world, steps = World(like=start), Steps(cuts)
        try:
            go(world, steps)
        except Cut:
            world.check()
            go(world, None)
        assert world.state() == wanted, f"cut off at {cuts}"
        world.check()
        if not steps.happened:
            break
        changed = {path for path in before if before[path] != world.pages().get(path)}
        assert {f"/{path}" for path in changed} <= world.front.forgot, f"cut off at {cuts}"
        cuts += stride
    assert cuts > 20


@EVERY
def test_a_publishing_may_be_cut_off_at_any_call(
    stride: int, first: Gathered, second: Gathered
) -> None:
    everywhere(
        lambda world, steps: world.publish(second, steps), lambda w: void(w.publish(first)), stride
    )


@EVERY
def test_a_rollback_may_be_cut_off_at_any_call(
    stride: int, first: Gathered, second: Gathered
) -> None:
    def begin(world: World) -> None:
        world.publish(first)
        world.publish(second)

    everywhere(lambda world, steps: world.roll_back(1, steps), begin, stride)


def void(_: object) -> None:
    pass


def test_a_rollback_brings_back_pages_and_contracts(first: Gathered, second: Gathered) -> None:
    world = World()
    world.publish(first)
    pages, live = world.pages(), world.live()
    world.publish(second)
    assert world.live() != live
    said = world.roll_back()
    assert "back to release 1" in said
    assert "hotline: its pages go, and pages that are open are answered as before" in said
    assert world.pages() == pages
    assert world.live() == live | {"hotline": second.contracts[1].version}
    assert "/counter/" in world.front.forgot


def test_answers_of_pages_that_are_open_are_taken_after_a_rollback(
    first: Gathered, second: Gathered
) -> None:
    world = World()
    world.publish(first)
    world.publish(second)
    world.roll_back()
    publication = Definitions(world.store).publication("counter")
    newer = second.contracts[0].version
    assert publication.accepts(newer, now() + 6 * DAY_MS)
    assert not publication.accepts(newer, now() + 8 * DAY_MS)
    assert Definitions(world.store).contract("counter", newer) == second.contracts[0]


def test_each_rollback_goes_one_further_and_publishing_goes_on(
    tmp_path: Path, first: Gathered, second: Gathered
) -> None:
    third = written(tmp_path, SURVEY.replace("Attitude", "Tone"))
    world = World()
    for gathered in (first, second, third):
        world.publish(gathered)
    one, two = world.roll_back()[0], world.roll_back()[0]
    assert [one, two] == ["back to release 2", "back to release 1"]
    with pytest.raises(NoRelease):
        world.roll_back()
    assert "release 5 is live already: nothing to change" in world.publish(
        first
    )  # the same content is the same release
    world.publish(second)
    assert world.live()["counter"] == second.contracts[0].version
    assert [each.number for each in releases.every(world.store)] == [6, 5, 4, 3, 2, 1]
    assert world.roll_back(3)[0] == "back to release 3"
    assert world.live()["counter"] == third.contracts[0].version


def test_what_was_cut_off_is_undone_by_a_rollback(first: Gathered, second: Gathered) -> None:
    world = World()
    world.publish(first)
    pages = world.pages()
    steps = Steps(10**6)
    world.publish(second, steps)
    calls = 10**6 - steps.left
    world = World()
    world.publish(first)
    with pytest.raises(Cut):
        world.publish(second, Steps(calls - 8))
    assert world.pages() != pages
    assert world.roll_back()[0] == "back to release 1"
    assert world.pages() == pages


def test_what_was_never_live_is_no_release_to_go_back_to(first: Gathered, second: Gathered) -> None:
    world = World()
    world.publish(first)
    with pytest.raises(NoRelease, match="never was live"):
        world.roll_back(7)
    with pytest.raises(NoRelease, match="no release before"):
        world.roll_back()


def test_kept_bytes_that_were_changed_are_not_put_live(first: Gathered, second: Gathered) -> None:
    world = World()
    world.publish(first)
    hash = releases.read(world.store, 1).files["counter/index.html"]
    world.publish(second)
    pages = world.pages()
    kept = world.store.get(keys.kept(hash))
    world.store.replace(keys.kept(hash), b"other", kept.tag)
    with pytest.raises(NoRelease, match=r"counter/index.* is gone, or .*: take another"):
        world.roll_back()
    assert world.pages() == pages


def test_of_two_at_once_one_is_told_and_the_other_is_live(
    tmp_path: Path, first: Gathered, second: Gathered
) -> None:
    """Whenever the second comes, the site is whole, and all of one of them."""
    third = written(tmp_path, SURVEY.replace("Attitude", "Tone"), OTHER.replace("Attitude", "Tone"))
    at, happened, start = 0, True, World()
    start.publish(first)
    while happened:
        world = World(like=start)
        steps = Steps(at, lambda world=world: void(world.publish(third)))  # type: ignore[misc]
        told = False
        try:
            world.publish(second, steps)
        except Overtaken:
            told = True
        world.check()
        pointer = releases.pointer(world.store)[0]
        if not told:  # whoever came later had ended before this one began
            assert releases.read(world.store, pointer.live).versions == world.live(), at
        again = world.publish(second)  # whoever was told does it again
        assert any(re.search("release [0-9]+ is live", line) for line in again)
        live = world.live()
        assert live == {each.id: each.version for each in second.contracts}
        held = {path: releases.hash_of(data) for path, data in world.pages().items()}
        assert held == releases.read(world.store, releases.pointer(world.store)[0].live).files
        happened, at = steps.happened, at + 7


def test_releases_lie_in_a_folder_as_in_a_bucket(
    tmp_path: Path, first: Gathered, second: Gathered
) -> None:
    world = World(FolderStore(tmp_path / "data"))
    world.publish(first)
    pages = world.pages()
    world.publish(second)
    world.roll_back()
    assert world.pages() == pages


@pytest.fixture
def china(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "cn-north-1")


def test_in_china_pages_lie_under_their_very_addresses(
    china: None, tmp_path: Path, second: Gathered
) -> None:
    """CloudFront has no functions there that put index.html behind an address."""
    world = World()
    world.publish(written(tmp_path, SURVEY))
    held = world.pages()
    pages = {path for path in held if path.endswith("/index.html")}
    assert {"counter/index.html", "counter/thanks/index.html", "staff/index.html"} <= pages
    assert {path: held[path.removesuffix("index.html")] for path in pages} == {
        path: held[path] for path in pages
    }
    head = world.s3.head_object(Bucket=world.site, Key="counter/")
    assert (head["ContentType"], "max-age=60" in head["CacheControl"]) == (
        "text/html; charset=utf-8", True,
    )  # fmt: skip
    world.publish(second)
    assert "/counter/" in world.front.forgot
    assert world.pages()["hotline/"]
    world.roll_back()
    assert world.pages() == held


def test_in_china_short_addresses_are_refused(china: None, tmp_path: Path, first: Gathered) -> None:
    short = structs.replace(first, site=structs.replace(first.site, short=True))
    world = World()
    with pytest.raises(NoShortAddresses, match="leave `short: true` out of site"):
        world.publish(short)
    assert not world.pages()
    assert not [*world.store.list("")]


def test_elsewhere_a_page_has_one_key_and_may_be_short(first: Gathered) -> None:
    world = World()
    world.publish(structs.replace(first, site=structs.replace(first.site, short=True)))
    assert not [path for path in world.pages() if path.endswith("/")]
