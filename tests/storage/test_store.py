"""The storage port's promises, held by every adapter."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from chalicelib.storage import Exists, FolderStore, Missing, S3Store, Stale, StorageError, Store

RACERS = 16


def race(act: Callable[[int], None], racers: int = RACERS) -> list[int]:
    """Let many threads do one thing at the same moment; says which of them were not refused."""
    barrier = Barrier(racers)

    def run(number: int) -> bool:
        barrier.wait()
        try:
            act(number)
        except StorageError:
            return False
        return True

    with ThreadPoolExecutor(racers) as pool:
        return [number for number, won in enumerate(pool.map(run, range(racers))) if won]


def test_what_was_created_is_read_back(store: Store) -> None:
    store.create("a/b.json", b"\x00value")
    assert store.get("a/b.json").data == b"\x00value"


def test_an_empty_value_is_a_value(store: Store) -> None:
    store.create("a/empty", b"")
    assert store.get("a/empty").data == b""


def test_nothing_is_read_where_nothing_lies(store: Store) -> None:
    store.create("a/b/c", b"1")
    for key in ("a/nothing", "a/b", "a/b/c/d", "nowhere/at/all"):
        with pytest.raises(Missing):
            store.get(key)


def test_a_second_create_is_refused(store: Store) -> None:
    store.create("a/b", b"first")
    with pytest.raises(Exists):
        store.create("a/b", b"second")
    with pytest.raises(Exists):
        store.create("a/b", b"first")
    assert store.get("a/b").data == b"first"


def test_replace_goes_over_what_was_read(store: Store) -> None:
    store.create("a/b", b"1")
    store.replace("a/b", b"2", store.get("a/b").tag)
    store.replace("a/b", b"3", store.get("a/b").tag)
    assert store.get("a/b").data == b"3"


def test_a_stale_replace_is_refused(store: Store) -> None:
    store.create("a/b", b"1")
    read = store.get("a/b").tag
    store.replace("a/b", b"2", read)
    with pytest.raises(Stale):
        store.replace("a/b", b"3", read)
    assert store.get("a/b").data == b"2"


def test_replacing_what_is_gone_is_refused(store: Store) -> None:
    store.create("a/b", b"1")
    tag = store.get("a/b").tag
    store.delete(["a/b"])
    with pytest.raises(Stale):
        store.replace("a/b", b"2", tag)
    with pytest.raises(Missing):
        store.get("a/b")
    with pytest.raises(Stale):
        store.replace("a/never", b"2", tag)


def test_tags_never_come_back(store: Store) -> None:
    """Else a writer that read the first A could replace the second."""
    if isinstance(store, S3Store):
        pytest.skip("S3 names a value by its bytes: equal bytes, equal tag")
    store.create("a/b", b"A")
    first = store.get("a/b").tag
    store.replace("a/b", b"B", first)
    store.replace("a/b", b"A", store.get("a/b").tag)
    with pytest.raises(Stale):
        store.replace("a/b", b"C", first)
    tags = [first]
    for _ in range(200):
        tags.append(store.get("a/b").tag)
        store.replace("a/b", b"A", tags[-1])
    assert len(set(tags)) == 201


def test_a_folder_never_repeats_a_tag_when_the_clock_goes_back(tmp_path: Path) -> None:
    """Nor where the clock is too coarse to tell two replaces apart."""
    store = FolderStore(tmp_path)
    store.create("a", b"A")
    tomorrow = time.time_ns() + 86_400_000_000_000
    os.utime(tmp_path / "a", ns=(tomorrow, tomorrow))
    for _ in range(3):
        before = (tmp_path / "a").stat().st_mtime_ns
        store.replace("a", b"A", store.get("a").tag)
        assert (tmp_path / "a").stat().st_mtime_ns > before


def test_a_list_is_in_key_order_and_below_its_prefix(store: Store) -> None:
    names = ["a/b/2", "a/b/10", "a/b-c/1", "a/b.d", "a/c", "ab/x", "b"]
    for key in reversed(names):
        store.create(key, key.encode())
    assert [entry.key for entry in store.list("")] == sorted(names)
    assert [entry.key for entry in store.list("a/")] == sorted(n for n in names if n[:2] == "a/")
    assert [entry.key for entry in store.list("a/b/")] == ["a/b/10", "a/b/2"]
    assert list(store.list("nothing/")) == []


def test_a_list_names_the_versions_that_would_be_read(store: Store) -> None:
    """Whoever compares tags of a list with tags of a get must not see a change that is none."""
    store.create("a/b", b"1")
    store.replace("a/b", b"2", store.get("a/b").tag)
    assert [entry.tag for entry in store.list("a/")] == [store.get("a/b").tag]


def test_more_than_a_page_is_listed_and_deleted(store: Store) -> None:
    names = [f"many/{number:04d}" for number in range(1100)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.create(key, b"x"), names))
    assert [entry.key for entry in store.list("many/")] == names
    store.delete(names)
    assert list(store.list("many/")) == []


def test_a_list_outlives_what_is_deleted_under_it(store: Store) -> None:
    for number in range(5):
        store.create(f"a/{number}", b"")
    listed = []
    for entry in store.list("a/"):
        listed.append(entry.key)
        store.delete([entry.key])
    assert listed == [f"a/{number}" for number in range(5)]


def test_deleting_again_is_no_error(store: Store) -> None:
    store.create("a/b", b"1")
    store.create("a/c", b"1")
    store.delete(["a/b", "a/never", "never/at/all", "a/c/below"])
    store.delete(["a/b"])
    store.delete([])
    with pytest.raises(Missing):
        store.get("a/b")
    store.create("a/b", b"2")


@pytest.mark.parametrize(
    "key",
    [
        *("../up", "a/../../up", "a/..", "..", ".", "a/./b", "/root", "a//b", "a/", "", ".hidden"),
        *("a/.hidden", "a\\b", "a b", "a\0b", "a\nb", "é", "a/b\n"),
    ],
)
def test_what_is_no_key_is_refused_everywhere(store: Store, key: str) -> None:
    """Nothing a respondent sends may name a path outside the store."""
    for act in (
        lambda: store.get(key),
        lambda: store.create(key, b""),
        lambda: store.replace(key, b"", "tag"),
        lambda: store.delete([key]),
    ):
        with pytest.raises(ValueError, match="not a storage key"):
            act()
    assert list(store.list("")) == []


def test_of_many_that_create_one_wins(store: Store) -> None:
    won = race(lambda number: store.create("race/key", b"%d" % number))
    assert len(won) == 1
    assert store.get("race/key").data == b"%d" % won[0]


def test_of_many_that_replace_one_wins(store: Store) -> None:
    store.create("race/key", b"start")
    tag = store.get("race/key").tag
    won = race(lambda number: store.replace("race/key", b"%d" % number, tag))
    assert len(won) == 1
    assert store.get("race/key").data == b"%d" % won[0]


COUNTING = """
import sys
from pathlib import Path
from chalicelib.storage import Exists, FolderStore, Stale
store = FolderStore(Path(sys.argv[1]))
try:
    store.create("count", b"0")
except Exists:
    pass
done = made = 0
for number in range(100):
    try:
        store.create(f"once/{number}", sys.argv[2].encode())
        made += 1
    except Exists:
        pass
while done < 50:
    value, tag = store.get("count")
    try:
        store.replace("count", b"%d" % (int(value) + 1), tag)
        done += 1
    except Stale:
        pass
print(made)
"""


def test_two_processes_share_a_folder(tmp_path: Path) -> None:
    """Every increment counts, and every key is made by one of them."""
    command = [sys.executable, "-c", COUNTING, str(tmp_path)]
    functions = Path(__file__).parents[2] / "functions"
    running = [
        subprocess.Popen(
            [*command, name], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(functions)}
        )
        for name in ("one", "two")
    ]
    made = [int(process.communicate(timeout=60)[0]) for process in running]
    store = FolderStore(tmp_path)
    assert store.get("count").data == b"100"
    assert sum(made) == 100
    owners = [store.get(entry.key).data for entry in store.list("once/")]
    assert [owners.count(b"one"), owners.count(b"two")] == made


def test_a_folder_shows_no_work_in_progress(tmp_path: Path) -> None:
    """Temporary files and locks are not values."""
    store = FolderStore(tmp_path)
    store.create("a", b"1")
    store.replace("a", b"2", store.get("a").tag)
    assert [entry.key for entry in store.list("")] == ["a"]
    assert not list((tmp_path / ".store" / "temporary").iterdir())


@pytest.mark.parametrize(
    ("region", "endpoint", "asked"),
    [
        ("cn-north-1", None, "https://s3.cn-north-1.amazonaws.com.cn"),
        ("cn-north-1", "http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("eu-west-1", None, None),
    ],
)
def test_aws_china_is_asked_at_its_own_domain(
    region: str, endpoint: str | None, asked: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", region)
    config: Any = S3Store("answers", "", endpoint)._bucket.config
    assert config.get("endpoint") == asked
