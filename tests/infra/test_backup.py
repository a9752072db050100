"""The drill: all is lost and comes back, without who was erased, and merging goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chalicelib import break_offs, keys, links
from chalicelib.accept import Arrival, accept
from chalicelib.break_offs import BreakOff
from chalicelib.days import DAY_MS
from chalicelib.follow_ups.dynamo import DynamoRecord
from chalicelib.follow_ups.port import Query, Record, Unknown, every
from chalicelib.follow_ups.sqlite import SqliteRecord
from chalicelib.jobs.merge import merge
from chalicelib.jobs.tally import tally
from chalicelib.links import Link
from chalicelib.published import Definitions, publish
from chalicelib.running import now, run_job
from chalicelib.settings import Settings
from chalicelib.storage import FolderStore, MemoryStore, S3Store, Store
from chalicelib.survey import Refused, Submission, ids
from generator import snapshots
from generator.__main__ import main
from generator.backing_up import back_up
from generator.restoring import MARK, Occupied, restore
from generator.snapshots import Busy, NoBackup
from tests.infra.recording import Aws, make_table, recorded
from tests.interleaving import Cut, Interrupted, Stepped, Steps
from tests.jobs.answering import contract, names, rows
from tests.records import REACHED, RESOLVE, START_WORK, TAKE, after, begin, dynamo, record

__all__ = ["record"]

KEY = b"secret"
SURVEY = contract()
UNHAPPY = {"speed": 1, "care": 1, "phone": "13800138000"}


def code(number: int) -> str:
    return f"DRILL{number:03d}"


def answer(store: Store, number: int, again: int = 0) -> str:
    """Customer ``c<number>`` answers over their personal link; the response's id."""
    submission = Submission(
        id=ids.make(now() - 1000 - number, number + 1 + again),
        version=SURVEY.version,
        language="en",
        answers=UNHAPPY if number % 3 == 0 else {"speed": 4, "care": 5},
        link=code(number),
    )
    return accept(store, Definitions(store), SURVEY.id, submission, Arrival(now=now())).response


def filled(store: Store, *numbers: int) -> list[str]:
    """Everybody has a link; these have answered, and are merged but for the last."""
    publish(store, SURVEY, now())
    known = {
        code(n): Link(SURVEY.id, personal=True, attributes={"customer": f"c{n}", "agent": "a1"})
        for n in range(12)
    }
    links.add(store, known)
    found = [answer(store, number) for number in numbers[:-1]]
    merge(store, KEY, now())
    return [*found, answer(store, numbers[-1])]


def echoform(*arguments: str) -> Result:
    done = CliRunner().invoke(main, [*arguments])
    assert done.exit_code in (0, 1), done.output
    return done


def said(result: Result) -> str:
    assert not result.exit_code, result.output
    return result.output


class Bucket:
    """Data in a bucket, its table of follow-ups, and the jobs over both."""

    def __init__(self, aws: Aws, name: str) -> None:
        self.name, self.place = name, f"s3://{name}"
        self.store = S3Store(name, "", aws.endpoint)
        self.settings = Settings(data=self.place, endpoint=aws.endpoint, key=KEY)

    def jobs(self) -> None:
        for job in ("merge", "follow_up", "follow_up_tables", "tally"):
            run_job(job, self.settings, self.store)

    def tally(self) -> list[dict[str, Any]]:
        found = rows(self.store, keys.TALLIES)
        return sorted(found, key=str)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with recorded() as found:
        for name, value in found.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("ECHOFORM_DATA")
        yield found


@pytest.mark.parametrize("backup_on", ["folder", "s3"])
def test_the_drill(aws: Aws, tmp_path: Path, backup_on: str) -> None:
    here = Bucket(aws, aws.bucket)
    place = str(tmp_path / "backup")
    s3 = aws.client("s3")
    if backup_on == "s3":
        place = f"s3://backup-{token_hex(8)}/echoform"
        s3.create_bucket(Bucket=place.split("/")[2])
    filled(here.store, *range(6))
    here.jobs()
    said(echoform("backup", "--data", here.place, "--to", place))
    # Answers come in, one customer is erased; another backup.
    filled(here.store, 6, 7, 8)
    here.jobs()
    gone = next(each["response"] for each in rows(here.store) if each["speed"] == 1)
    erased = str(gone)
    said(echoform("erase", SURVEY.id, "--response", erased, "--data", here.place, "--yes"))
    here.jobs()
    waiting = answer(here.store, 9)
    told = said(echoform("backup", "--data", here.place, "--to", place))
    assert "service: 8 answers" in told
    kept, tally = {each["response"] for each in rows(here.store)}, here.tally()
    items = {item.id: item for item in DynamoRecord("echoform-follow-ups").scan(Query())}
    assert [item.erased for item in items.values()].count(True) == 2
    # The bucket and the table are lost.
    found = s3.list_object_versions(Bucket=here.name)
    for each in (*found.get("Versions", []), *found.get("DeleteMarkers", [])):
        s3.delete_object(Bucket=here.name, Key=each["Key"], VersionId=each["VersionId"])
    make_table(aws.client("dynamodb"))
    there = Bucket(aws, f"new-{token_hex(8)}")
    s3.create_bucket(Bucket=there.name)
    told = said(echoform("restore", "--from", place, "--data", there.place))
    assert "service: 8 answers" in told.splitlines()
    # Everybody is there, who was erased is not; figures are the same.
    assert {each["response"] for each in rows(there.store)} == kept
    assert erased not in kept
    assert there.tally() == tally
    record = DynamoRecord("echoform-follow-ups")
    assert {item.id: item for item in record.scan(Query())} == items
    # Links are used up where they were, and merging goes on.
    for number in (3, 7, 9):
        with pytest.raises(Refused, match="already_answered"):
            answer(there.store, number, again=100)
    new = answer(there.store, 10)
    there.jobs()
    assert {each["response"] for each in rows(there.store)} == kept | {waiting, new}
    assert not names(there.store, keys.LANDING)
    # What was erased cannot come again, and repeating the restoring changes nothing.
    again = said(echoform("restore", "--from", place, "--data", there.place))
    assert "objects are back" in again
    assert {each["response"] for each in rows(there.store)} == kept | {waiting, new}


STACK = """\
Resources:
  Queue: {{Type: AWS::SQS::Queue}}
Outputs:
  DataBucket: {{Value: {data}}}
  FollowUpsTable: {{Value: echoform-follow-ups}}
  PseudonymSecret: {{Value: {secret}}}
  Athena: {{Value: echoform_trial/echoform-trial}}
"""


def test_a_stage_says_what_is_backed_up_and_by_which_secret(
    aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECHOFORM_FOLLOW_UPS", "echoform-follow-ups")
    monkeypatch.setenv("ECHOFORM_KEY", "")
    filled(Bucket(aws, aws.bucket).store, 0, 1)
    name = f"key-{token_hex(8)}"
    secrets = aws.client("secretsmanager")
    secret = secrets.create_secret(Name=name, SecretString="secret")["ARN"]
    body = STACK.format(data=aws.bucket, secret=secret)
    stacks = aws.client("cloudformation")
    stacks.create_stack(StackName="echoform-trial", TemplateBody=body)
    try:
        place = str(tmp_path / "backup")
        assert "service: 1 answers" in said(echoform("backup", "--stage", "trial", "--to", place))
        assert snapshots.read(FolderStore(Path(place))).secret == snapshots.fingerprint(KEY)
    finally:
        stacks.delete_stack(StackName="echoform-trial")  # moto's servers share what they hold


def test_an_older_snapshot_brings_nobody_back_who_was_erased_since(
    aws: Aws, tmp_path: Path
) -> None:
    here = Bucket(aws, aws.bucket)
    place = str(tmp_path / "backup")
    filled(here.store, *range(6))
    here.jobs()
    said(echoform("backup", "--data", here.place, "--to", place))
    said(echoform("erase", SURVEY.id, "--customer", "c3", "--data", here.place, "--yes"))
    said(echoform("erase", SURVEY.id, "--customer", "c11", "--data", here.place, "--yes"))
    said(echoform("backup", "--data", here.place, "--to", place))
    old = said(echoform("restore", "--from", place, "--list")).splitlines()[-1].split()[0]
    folder = tmp_path / "restored"
    told = said(echoform("restore", "--from", place, "--snapshot", old, "--data", str(folder)))
    assert "service: 6 answers, 1 of them erased since and again" in told.splitlines()
    store = FolderStore(folder)
    assert len(rows(store)) == 5
    assert "c3" not in {each["customer"] for each in rows(store, keys.CONTACTS)}
    known = [name.encode() for name in ("c3", "c11")]
    for entry in store.list(""):
        data = store.get(entry.key).data
        assert not any(b'"' + name + b'"' in data for name in known), entry.key
    items = every(SqliteRecord(folder / "follow_ups.sqlite"), Query())
    assert sorted(item.erased for item in items) == [False, False, True, True]
    assert (folder / ".key").read_text() == "secret"  # the folder goes on with the same secret


@pytest.fixture
def full(tmp_path: Path) -> tuple[Store, Record, Store]:
    """Data with answers and a follow-up, and a place for backups."""
    store, kept = MemoryStore(), SqliteRecord(tmp_path / "here.sqlite")
    filled(store, *range(4))
    after(kept, begin(kept), TAKE, REACHED, START_WORK, RESOLVE)
    return store, kept, MemoryStore()


def test_only_what_changed_is_read_again(full: tuple[Store, Record, Store]) -> None:
    store, kept, backup = full
    first, changed, _ = back_up(store, kept, KEY, backup, now(), 9)
    assert changed == len(first.objects)
    held = snapshots.held(backup)
    answer(store, 8)
    _, changed, _ = back_up(store, kept, KEY, backup, now() + 1, 9)
    assert changed == 3  # the answer, its claim, and an audit event
    assert len(snapshots.held(backup) - held) == 3


def test_older_snapshots_go_and_what_only_they_have(full: tuple[Store, Record, Store]) -> None:
    store, kept, backup = full
    back_up(store, kept, KEY, backup, now(), 2)
    answer(store, 8)
    merge(store, KEY, now())
    back_up(store, kept, KEY, backup, now() + 1, 2)
    _, _, forgotten = back_up(store, kept, KEY, backup, now() + 2, 2)
    assert (forgotten, len(snapshots.names(backup))) == (1, 2)
    wanted = [snapshots.read(backup, name).hashes for name in snapshots.names(backup)]
    assert snapshots.held(backup) == set().union(*wanted)
    empty = SqliteRecord(Path(str(kept._path) + ".there"))  # type: ignore[attr-defined]
    found = restore(backup, None, MemoryStore(), empty, KEY, now())
    assert found.answers == {"service": 5}


def test_of_two_backups_at_once_to_one_place_one_is_told(
    full: tuple[Store, Record, Store],
) -> None:
    """At any moment of one: else the other might remove what the one is about to name."""
    store, kept, _ = full
    call, happened = 0, True
    while happened:
        backup, told = MemoryStore(), list[Busy]()
        back_up(store, kept, KEY, backup, now(), 9)

        def one(over: Store, moment: int, told: list[Busy] = told) -> None:
            try:
                back_up(store, kept, KEY, over, now() + moment, 1)
            except Busy as busy:
                told.append(busy)

        over = Interrupted(backup, call, partial(one, backup, 1))
        one(over, 2)
        happened = over.happened
        assert len(told) <= 1
        for name in snapshots.names(backup):
            assert snapshots.read(backup, name).hashes <= snapshots.held(backup), call
        one(backup, 3)
        assert len(told) <= 1  # none is in the way of the next
        call += 1
    assert call > 10


def test_a_backup_that_was_cut_off_says_how_to_go_on(full: tuple[Store, Record, Store]) -> None:
    store, kept, backup = full
    with pytest.raises(Cut):
        back_up(Stepped(store, Steps(5)), kept, KEY, backup, now(), 9)
    back_up(store, kept, KEY, backup, now(), 9)  # an error says itself that it is over
    cut_off = snapshots.alone(backup, "somebody", now())
    cut_off.__enter__()
    with pytest.raises(
        Busy, match=r"^somebody has .* since \d{4}-.* UTC: wait .* cut off, remove working.json"
    ):
        back_up(store, kept, KEY, backup, now(), 9)
    backup.delete(["working.json"])
    backup.create("working.json", b"half of")
    with pytest.raises(Busy, match=r"^somebody has .* cut off, remove working.json"):
        back_up(store, kept, KEY, backup, now(), 9)
    backup.delete(["working.json"])
    back_up(store, kept, KEY, backup, now(), 9)


def test_answers_are_copied_while_they_are_merged(
    full: tuple[Store, Record, Store], tmp_path: Path
) -> None:
    """Merging at any moment of a backup neither loses an answer nor counts one twice."""
    call, happened = 0, True
    while happened:
        store = MemoryStore()
        filled(store, *range(4))
        busy = Interrupted(store, call, lambda store=store: merge(store, KEY, now()))  # type: ignore[misc]
        backup, there = MemoryStore(), MemoryStore()
        back_up(busy, full[1], KEY, backup, now(), 9)
        restore(backup, None, there, SqliteRecord(tmp_path / f"{call}.sqlite"), KEY, now())
        merge(there, KEY, now())
        assert len({each["response"] for each in rows(there)}) == len(rows(there)) == 4, call
        assert {each["response"] for each in rows(there, keys.CONTACTS)} == {
            each["response"] for each in rows(there)
        }
        happened, call = busy.happened, call + 1
    assert call > 10


def test_who_left_is_kept_while_their_day_is_settled(tmp_path: Path) -> None:
    """Nothing can count them again: at any moment of a backup marks or counts are in it."""
    call, happened = 0, True
    while happened:
        store, there = MemoryStore(), MemoryStore()
        publish(store, SURVEY, now())
        for number in range(3):
            long_ago = ids.make(now() - 30 * DAY_MS, number)
            mark = BreakOff(long_ago, SURVEY.version, "en", "speed")
            store.create(break_offs.key(SURVEY.id, SURVEY.timezone, mark), b"")
        busy = Interrupted(store, call, lambda store=store: tally(store, now()))  # type: ignore[misc]
        kept, backup = SqliteRecord(tmp_path / f"{call}-here.sqlite"), MemoryStore()
        back_up(busy, kept, KEY, backup, now(), 9)
        restore(backup, None, there, SqliteRecord(tmp_path / f"{call}.sqlite"), KEY, now())
        tally(there, now())
        assert [row["n"] for row in rows(there, keys.BREAK_OFFS)] == [3], call
        happened, call = busy.happened, call + 1
    assert call > 5


def test_a_restoring_may_be_cut_off_at_any_call(
    full: tuple[Store, Record, Store], tmp_path: Path
) -> None:
    store, kept, backup = full
    back_up(store, kept, KEY, backup, now(), 9)
    whole: dict[str, bytes] = {}
    call, happened = 0, True
    while happened:
        there, steps = MemoryStore(), Steps(call)
        record = SqliteRecord(tmp_path / f"{call}.sqlite")
        try:
            restore(backup, None, Stepped(there, steps), record, KEY, now())
        except Cut:
            if not names(there, MARK):  # nothing is accepted where not all is there
                assert len(Definitions(there).surveys()) in (0, 1)
            restore(backup, None, there, record, KEY, now())
        found = {
            entry.key: there.get(entry.key).data
            for entry in there.list("")
            if not entry.key.startswith(keys.AUDIT)
        }
        whole = whole or found
        assert found == whole, call
        happened, call = steps.happened, call + 5
    assert call > 50


def test_what_is_damaged_foreign_or_in_the_way_is_said(
    full: tuple[Store, Record, Store], tmp_path: Path
) -> None:
    store, kept, backup = full
    there = SqliteRecord(tmp_path / "there.sqlite")
    with pytest.raises(NoBackup, match="there is no backup there"):
        restore(backup, None, MemoryStore(), there, KEY, now())
    snapshot, _, _ = back_up(store, kept, KEY, backup, now(), 9)
    with pytest.raises(NoBackup, match="no snapshot 2020; there are: "):
        restore(backup, "2020", MemoryStore(), there, KEY, now())
    with pytest.raises(NoBackup, match="the secret is not the one of this backup"):
        restore(backup, None, MemoryStore(), there, b"other", now())
    taken = MemoryStore()
    taken.create(keys.current(SURVEY.id), b"{}")
    with pytest.raises(Occupied, match="restore into an empty folder or bucket"):
        restore(backup, None, taken, there, KEY, now())
    hash = snapshot.objects[keys.current(SURVEY.id)].hash
    held = backup.get(snapshots.OBJECTS + hash)
    backup.replace(snapshots.OBJECTS + hash, b"{}", held.tag)
    with pytest.raises(NoBackup, match="gone or damaged"):
        restore(backup, None, MemoryStore(), there, KEY, now())


def test_a_place_within_the_data_is_no_backup(tmp_path: Path) -> None:
    data = tmp_path / "data"
    refused = echoform("backup", "--data", str(data), "--to", f"{data}/backup")
    assert refused.exit_code == 1
    assert "there is no folder" in refused.output  # and a backup of nothing would look like one
    assert not data.exists()
    data.mkdir()
    refused = echoform("backup", "--data", str(data), "--to", f"{data}/backup")
    assert refused.exit_code == 1
    assert "what loses one would lose both" in refused.output


def test_follow_ups_wander_from_any_record_to_any(record: Record, tmp_path: Path) -> None:
    done = after(record, begin(record), TAKE, REACHED, START_WORK, RESOLVE)
    open_, forgotten = begin(record, 1), begin(record, 2)
    record.forget(forgotten.id, now())
    record.forget("never-there", now())
    record.revoke("a7", 17)
    copied = [*record.rows()]
    with dynamo() if isinstance(record, SqliteRecord) else nullcontext() as table:
        for there in [table or SqliteRecord(tmp_path / "other.sqlite")]:
            for _ in range(2):  # harmless to repeat
                there.put(copied)
            for item in (done, open_):
                assert there.get(item.id) == item
                assert there.history(item.id)[0].kind == "open"
            assert there.history(done.id)[-1].kind == "resolve"
            assert there.get(forgotten.id).erased
            assert not there.open(there.history(done.id)[0])
            assert there.revoked_since("a7") == 17
            with pytest.raises(Unknown):
                there.get("never-there")
            further = after(there, there.get(open_.id), TAKE)
            there.put(copied)
            assert there.get(open_.id) == further  # what is further stays
            assert sorted(map(str, there.page(Query()).items)) == sorted(
                map(str, [there.get(each.id) for each in (done, open_, forgotten)])
            )
