"""From a survey file to a contract, with every problem found on the way.

Read the nodes, give each the form the kernel wants, bind the conditions, check the whole, and only
then advise. Nothing here stops at the first problem, except YAML that cannot be read at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from chalicelib.survey import Contract

from . import advice, checking, source
from .binding import bind_all, drafts, reach
from .findings import Finding, Level, Problem, meant
from .notes import UNREAD, Notes, Place, Spot
from .shapes import form_of

__all__ = ["Compiled", "Finding", "compile_all", "compile_file", "compile_text"]

LARGEST_FILE = 2_000_000
SITE = "site.yaml"
"""Stands beside surveys and is none."""


class Compiled(Struct, frozen=True):
    """A survey file: its contract (None when there are errors), and findings by line."""

    path: Path
    contract: Contract | None
    findings: list[Finding]
    pictures: dict[str, bytes] = {}
    """What the pages show beside themselves, by name."""
    spots: dict[tuple[str | int, ...], Spot] = {}
    """Where in the file each part of the contract stands."""

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level == "error"]

    def with_finding(
        self, place: tuple[str | int, ...], level: Level, what: str, remedy: str
    ) -> Compiled:
        """The same with one more finding, and without the contract if it is an error."""
        spot = self.spots.get(place, Spot(1, ""))
        added = Finding(self.path, spot.line, spot.where, what, remedy, level)
        contract = self.contract if level == "warning" else None
        findings = sorted([*self.findings, added], key=_order)
        return replace(self, contract=contract, findings=findings)


def compile_file(path: Path) -> Compiled:
    """Compile one file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return _failed(path, 1, f"the file cannot be read: {error.strerror}", "check its name")
    if len(data) > LARGEST_FILE:
        return _failed(path, 1, f"the file has {len(data):,} bytes", "no survey needs as many")
    try:
        return compile_text(data.decode("utf-8-sig"), path)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return _failed(path, line, f"the file is not UTF-8{_guessed(data)}", "save it as UTF-8")


def compile_text(text: str, path: Path) -> Compiled:
    """Compile the text of a file."""
    try:
        root, broken = source.compose(text)
    except source.Unparsable as stop:
        return _failed(path, stop.line, stop.problem.what, stop.problem.remedy)
    if root is None:
        return _failed(path, 1, "the file is empty", "start from a template: `echoform new`")
    notes = Notes(_languages(root), path.parent)
    notes.problems += [(Spot(line, ""), problem) for line, problem in broken]
    contract, weighed = _read(root, notes, path)
    findings = [_finding(path, spot, problem) for spot, problem in notes.problems]
    findings = sorted({*findings, *weighed}, key=_order)
    failed = any(finding.level == "error" for finding in findings)
    return Compiled(path, None if failed else contract, findings, notes.pictures, notes.spots)


def compile_all(paths: Iterable[Path]) -> list[Compiled]:
    """Compile files, and folders of them, and check what lies between them."""
    given = list(paths)
    files = dict.fromkeys(file for path in given for file in _surveys(path))
    compiled = [compile_file(file) for file in files]
    first: dict[str, Path] = {}
    for one in compiled:
        if one.contract:
            first.setdefault(one.contract.id, one.path)
    known = first.keys() | {one.path.stem for one in compiled}
    together = any(path.is_dir() for path in given)
    return [_among(one, first, known, together) for one in compiled]


def _surveys(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.glob("*.yaml") if file.name != SITE)


def _among(one: Compiled, first: dict[str, Path], known: set[str], together: bool) -> Compiled:
    """One survey, seen beside the others: where each id stands first, and every name there is."""
    contract = one.contract
    if contract is None:
        return one
    if first[contract.id] != one.path:
        what = f"`{contract.id}` is the id of {first[contract.id]} too"
        one = one.with_finding(("id",), "error", what, "give one another id")
    for r, rule in enumerate(contract.follow_ups):
        named = rule.verify_with
        if named is None or named in known or (one.path.parent / f"{named}.yaml").exists():
            continue
        place, what = ("follow_ups", r, "verify_with"), f"there is no survey `{named}`"
        if together:
            one = one.with_finding(place, "error", what, meant(named, known - {contract.id}))
        else:
            one = one.with_finding(place, "warning", f"{what} here", "build it as well")
    return one


def _read(root: source.Node, notes: Notes, path: Path) -> tuple[Contract | None, list[Finding]]:
    """The contract, where everything could be read, and what there is to say about it."""
    data = form_of(Contract).read(root, Place(notes))
    if data is UNREAD:
        return None, []
    questions = drafts(data)
    bind_all(data, questions, notes)
    checking.check(data, questions, notes)
    if not notes.whole:
        return None, []
    try:
        contract = msgspec.convert(data, Contract)
    except msgspec.ValidationError as error:  # a rule of the kernel that no form knows
        notes.say((), f"the survey breaks a rule: {error}", "change it")
        return None, []
    found = [
        _finding(path, notes.spot(one.path), one.problem, one.level) for one in reach(contract)
    ]
    if not notes.problems:  # advice wants every text
        found += [
            _finding(path, notes.spot(place), problem, "warning")
            for place, problem in advice.advise(contract)
        ]
    if contract.id != path.stem:
        problem = Problem(f"`{contract.id}` stands in {path.name}", f"call it {contract.id}.yaml")
        found.append(_finding(path, notes.spot(("id",)), problem, "warning"))
    return contract, found


def _languages(root: source.Node) -> list[str]:
    """The languages, read ahead of everything: every text is held to them."""
    entry = root.entries.get("languages") if isinstance(root, source.Mapping) else None
    items = entry.node.items if entry and isinstance(entry.node, source.Sequence) else []
    return list(dict.fromkeys(item.text for item in items if isinstance(item, source.Scalar)))


def _guessed(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "; it looks like UTF-16"
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    return "; it looks like GBK"


def _finding(path: Path, spot: Spot, problem: Problem, level: Level = "error") -> Finding:
    return Finding(path, spot.line, spot.where, problem.what, problem.remedy, level)


def _failed(path: Path, line: int, what: str, remedy: str) -> Compiled:
    return Compiled(path, None, [Finding(path, line, "", what, remedy)])


def _order(finding: Finding) -> tuple[int, str, str]:
    return finding.line, finding.level, finding.what
