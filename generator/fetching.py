"""``echoform uploads``: the files of one response, fetched into a folder.

A file has the name of its response and question, and the ending of what its bytes are: nothing that
a customer called it, or said of its kind, is believed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from chalicelib import audit, days, keys, parts, uploads
from chalicelib.published import Definitions
from chalicelib.running import now
from chalicelib.storage import Missing, Store
from chalicelib.survey import EchoformError, ids
from generator.data import open_data


class NothingToFetch(EchoformError):
    """No such survey or response, or one without files. The message says which."""


def run_uploads(
    survey: str, response: str, folder: Path, data: str, say: Callable[[str], None]
) -> None:
    """Fetch the files that a response names, and say where they lie."""
    store = open_data(data)
    named = list(tokens(store, survey, response))
    audit.record(store, audit.operator(), "read_uploads", now(), survey, files=len(named))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for number, (question, token) in enumerate(named, 1):
        try:
            file = store.get(keys.upload(survey, token, question)).data
        except Missing:
            say(f"{question}: no longer kept")
            continue
        suffix = uploads.SUFFIXES.get(uploads.kind_of(file))
        if suffix is None:  # changed after it was looked at
            say(f"{question}: is of no kind that any question takes, so it was not fetched")
            continue
        path = folder / f"{response}-{question}-{number}{suffix}"
        path.touch(mode=0o600)
        path.write_bytes(file)
        say(str(path))


def tokens(store: Store, survey: str, response: str) -> Iterator[tuple[str, str]]:
    """Question and token of each file a merged response names. Raises NothingToFetch."""
    definitions = Definitions(store)
    if survey not in definitions.surveys():
        live = ", ".join(definitions.surveys()) or "none yet"
        raise NothingToFetch(f"no survey {survey!r} here; there are: {live}")
    if not ids.is_id(response):
        raise NothingToFetch(f"{response!r} is no response id: 26 capital letters and digits")
    timezone = definitions.current(survey).timezone
    asked = [f.id for v in definitions.versions(survey) for f in v.fields if f.kind == "files"]
    day = days.day(ids.time_of(response), timezone)
    bucket = keys.bucket(response, definitions.publication(survey).buckets_on(day))
    found = False
    for table in (keys.RESPONSES, keys.CONTACTS):
        rows = parts.read(store, keys.part(table, survey, day, bucket)).rows
        if rows is None:
            continue
        for row in rows.filter(parts.among(rows["response"], [response])).to_pylist():
            found = True
            for question in dict.fromkeys(asked):
                yield from ((question, token) for token in row.get(question) or ())
    if not found:
        raise NothingToFetch(
            f"{survey} has no response {response}; what came a moment ago is merged by "
            "`echoform job merge`"
        )
