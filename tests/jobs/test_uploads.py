"""Files live as long as who sent them wants, and as the survey keeps contacts; no longer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from chalicelib import days, erasing, keys, traces
from chalicelib.accept import Arrival, accept
from chalicelib.days import DAY_MS
from chalicelib.jobs.merge import merge
from chalicelib.jobs.purge import purge
from chalicelib.published import Definitions
from chalicelib.storage import FolderStore, Store
from chalicelib.survey import Contract, Retention, Submission, ids
from chalicelib.survey.questions import Upload
from generator.__main__ import main
from generator.data import settings
from tests.jobs.answering import KEY, NOW, contract, live, names

PHOTO = Upload(id="photo", text={"en": "Photo"}, accept=["image/png"], most=3)
PNG = b"\x89PNG\r\n\x1a\n"


def files(store: Store) -> list[str]:
    found = names(store, keys.UPLOADS)
    return [keys.token_of(name) for name in found if name.endswith("/photo")]


def upload(store: Store, number: int, ms: int = NOW) -> str:
    token = f"{days.day(ms, 'UTC')}-{number:032x}"
    store.create(keys.upload("service", token, "photo"), PNG + b"%d" % number)
    return token


def answer(store: Store, survey: Contract, number: int, *tokens: str, ms: int = NOW) -> str:
    sent = Submission(
        id=ids.make(ms, number),
        version=survey.version,
        language="en",
        answers={"care": 4, "phone": f"1380000000{number}", "photo": list(tokens)},
    )
    return accept(store, Definitions(store), survey.id, sent, Arrival(now=ms)).response


@pytest.mark.parametrize("personal", [False, True])
def test_erasing_a_person_takes_their_files_and_no_others(store: Store, personal: bool) -> None:
    photo = Upload(id="photo", text={}, accept=["image/png"], most=3, personal=personal)
    survey = contract(photo)
    live(store, survey)
    theirs = [upload(store, 1, NOW - 2 * DAY_MS), upload(store, 2)]
    answer(store, survey, 1, *theirs)
    kept = upload(store, 3)
    answer(store, survey, 2, kept)
    merge(store, KEY, NOW)
    found = traces.find(store, KEY, survey.id, "contact", "13800000001")
    assert len(found.uploads) == 4, "two files, two claims"
    gone = erasing.erase(store, KEY, found, NOW, "test")
    assert gone.uploads == 2
    assert files(store) == [kept]


def test_what_no_answer_names_is_purged_after_a_week(store: Store) -> None:
    survey = contract(PHOTO)
    live(store, survey)
    named = upload(store, 1)
    upload(store, 2)
    answer(store, survey, 1, named)
    upload(store, 3)
    merge(store, KEY, NOW)
    waiting = upload(store, 4)
    answer(store, survey, 2, waiting)
    for age, left in ((7, 4), (8, 4), (9, 2), (30, 2)):
        purge(store, KEY, NOW + age * DAY_MS)
        assert len(files(store)) == left, f"{age} days"
    assert set(files(store)) == {named, waiting}
    assert not any(name.endswith("settled") for name in names(store, keys.UPLOADS))
    merge(store, KEY, NOW + 30 * DAY_MS)
    assert purge(store, KEY, NOW + 30 * DAY_MS).uploads == 0
    assert set(files(store)) == {named, waiting}
    assert any(name.endswith("settled") for name in names(store, keys.UPLOADS))


def test_files_go_with_the_contacts(store: Store) -> None:
    survey = contract(PHOTO, retention=Retention(responses=400, contacts=20))
    live(store, survey)
    answer(store, survey, 1, upload(store, 1))
    merge(store, KEY, NOW)
    assert purge(store, KEY, NOW + 19 * DAY_MS).uploads == 0
    assert files(store)
    assert purge(store, KEY, NOW + 22 * DAY_MS).uploads == 1
    assert not names(store, keys.UPLOADS)


def test_the_files_of_a_response_are_fetched_and_that_is_noted(tmp_path: Path) -> None:
    store: Any = FolderStore(tmp_path / "data")
    survey = contract(PHOTO)
    live(store, survey)
    response = answer(store, survey, 1, upload(store, 1), upload(store, 2))
    merge(store, settings(str(store.root)).key, NOW)
    arguments = ["uploads", "service", "--response", response, "--data", str(store.root)]
    done = CliRunner().invoke(main, [*arguments, "--to", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    fetched = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in fetched] == [
        f"{response}-photo-1.png",
        f"{response}-photo-2.png",
    ]
    assert [path.read_bytes() for path in fetched] == [PNG + b"1", PNG + b"2"]
    [event] = [store.get(name).data for name in names(store, keys.AUDIT)]
    assert b"read_uploads" in event
    arguments[3] = ids.make(NOW, 99)
    done = CliRunner().invoke(main, [*arguments, "--to", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert "has no response" in done.output
