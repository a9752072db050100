"""Preview while writing: every language of every survey in a phone-sized frame, rebuilt on save.

Pages are compiled in memory and answers go to a folder that is thrown away, so nothing tried here
is ever published or counted.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from html import escape
from pathlib import Path

from watchfiles import Change, watch

from chalicelib.published import publish
from chalicelib.running import now
from chalicelib.storage import Store
from chalicelib.survey import Contract, EchoformError
from generator.building import lay_shells, pictures_of, site_file, site_of
from generator.definition import Compiled, compile_all
from generator.headers import place
from generator.places import TEMPLATES
from generator.serving import Page, picture
from generator.site import load_site

_ROUND_S = 25
_FRAME = (TEMPLATES / "preview.html").read_text("utf-8")


class Preview:
    """The pages as the files say now. ``find_page`` is what the local server asks."""

    def __init__(self, paths: Sequence[Path], store: Store) -> None:
        self._paths = paths
        self._store = store
        self._changed = threading.Condition()
        self._revision = 0
        self._pages: dict[str, Page] = {}
        self.rebuild()

    def rebuild(self) -> list[Compiled]:
        """Compile again; a survey with errors shows them in place of its page."""
        compiled = compile_all(self._paths)
        built: dict[str, Page] = {}
        problem = ""
        contracts = [each.contract for each in compiled if each.contract is not None]
        try:
            site = load_site(site_file(self._paths, compiled))
            for contract in contracts:
                publish(self._store, contract, now())
            lay_shells(self._store, contracts, site)
            for path, (data, headers) in site_of(contracts, site, ["'self'"]).items():
                built[place(path)] = Page(data, headers=headers)
            for each in compiled:
                for path, data in pictures_of(each).items():
                    built["/" + path] = picture(path, data)
        except (EchoformError, OSError) as error:  # shown, and mended by the next save
            problem = str(error)
        findings = [str(finding) for each in compiled for finding in each.findings]
        with self._changed:
            self._revision += 1
            built["/"] = Page(_frame(contracts, [problem, *findings], self._revision))
            self._pages = built
            self._changed.notify_all()
        return compiled

    def find_page(self, path: str) -> Page | None:
        if path.startswith("/changes/"):
            return self._wait(path.removeprefix("/changes/"))
        return self._pages.get(path)

    def follow(self, stop: threading.Event) -> None:
        """Rebuild whenever a file changes, until told to stop.

        Folders are watched, not files: editors save by putting another file in a file's place.
        """
        folders = {path if path.is_dir() else path.absolute().parent for path in self._paths}
        for _ in watch(*folders, watch_filter=_is_survey, stop_event=stop, debounce=200):
            self.rebuild()

    def _wait(self, seen: str) -> Page:
        """Answers when the revision is another than the one seen, or after a while."""
        with self._changed:
            self._changed.wait_for(lambda: str(self._revision) != seen, timeout=_ROUND_S)
            return Page(str(self._revision).encode(), "text/plain")


def _is_survey(_: Change, path: str) -> bool:
    return path.lower().endswith((".yaml", ".png", ".jpg", ".jpeg", ".webp"))


def _frame(contracts: Sequence[Contract], lines: Sequence[str], revision: int) -> bytes:
    frames = "".join(
        f'<figure><figcaption>{escape(c.title[language])} <a href="{path}">{path}</a></figcaption>'
        f'<iframe src="{path}" title="{escape(c.title[language])}"></iframe></figure>'
        for c in contracts
        for language, path in ((each, _path(c, each)) for each in c.languages)
    )
    problems = "".join(f"<li>{escape(line)}</li>" for line in lines if line)
    page = _FRAME.replace("{revision}", str(revision)).replace("{problems}", problems)
    return page.replace("{frames}", frames).encode()


def _path(contract: Contract, language: str) -> str:
    translated = language != contract.languages[0]
    return f"/{contract.id}/{language}/" if translated else f"/{contract.id}/"
