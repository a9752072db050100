"""Building a site: gather and check everything, then write what changed.

``dist/<survey>/…`` are the pages, ``_headers`` and ``headers.json`` what a server sends with them,
``dist/definitions/<survey>/<version>.json`` the contracts that pages there were ever compiled from:
a change that breaks one of them is refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from secrets import token_hex

from msgspec import Struct
from msgspec.json import encode

from chalicelib import keys
from chalicelib.site import lay
from chalicelib.storage import Store
from chalicelib.survey import Contract, EchoformError
from generator.compatibility import breaks
from generator.definition import Compiled, Finding, compile_all
from generator.headers import headers_of, place, written
from generator.plain import BadFile
from generator.render import lost_page, pages, shells
from generator.site import Site, load_site
from generator.staffing import staff_pages

LOST = "404.html"
"""What hosts of static sites show where there is no page."""


class Unbuildable(EchoformError):
    """Surveys have errors. Carries every finding, warnings too."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = findings


class Gathered(Struct, frozen=True):
    """Surveys that compile, and the site they are for."""

    contracts: list[Contract]
    site: Site
    warnings: list[Finding]
    pictures: dict[str, bytes] = {}
    """By their path in the site."""


class Written(Struct, frozen=True):
    """Site-relative paths."""

    changed: list[str]
    unchanged: list[str]
    removed: list[str]
    """Pages of surveys built now that they no longer have, such as those of a language."""


def gather(paths: Iterable[Path]) -> Gathered:
    """Compile every survey under the paths. Raises Unbuildable with every finding there is."""
    paths = list(paths)
    compiled = compile_all(paths)
    findings = [finding for each in compiled for finding in each.findings]
    contracts = [each.contract for each in compiled if each.contract is not None]
    if len(contracts) < len(compiled):
        raise Unbuildable(findings)
    pictures = {path: data for each in compiled for path, data in pictures_of(each).items()}
    return Gathered(contracts, load_site(site_file(paths, compiled)), findings, pictures)


def pictures_of(compiled: Compiled) -> dict[str, bytes]:
    """What lies beside a survey's pages, by its path in the site."""
    survey = compiled.contract.id if compiled.contract else ""
    return {f"{survey}/{name}": data for name, data in compiled.pictures.items()}


def check_all(paths: Iterable[Path]) -> tuple[list[Compiled], str]:
    """Every survey under the paths, compiled, and what is wrong with their site ("": nothing)."""
    paths = list(paths)
    compiled = compile_all(paths)
    try:
        load_site(site_file(paths, compiled))
    except BadFile as bad:
        return compiled, str(bad)
    return compiled, ""


def site_file(paths: Iterable[Path], compiled: Iterable[Compiled]) -> Path | None:
    """The ``site.yaml`` beside the surveys, if there is one."""
    folders = [path for path in paths if path.is_dir()] + [each.path.parent for each in compiled]
    return next((f / "site.yaml" for f in folders if (f / "site.yaml").is_file()), None)


def plan(gathered: Gathered, dist: Path) -> dict[str, bytes]:
    """Every file the site consists of, contracts first.

    Raises EchoformError where a contract breaks one that ``dist`` was built from before.
    """
    reasons = [
        f"{contract.id}: {reason}"
        for contract in gathered.contracts
        for reason in dict.fromkeys(
            reason for old in _built(dist, contract.id) for reason in breaks(old, contract)
        )
    ]
    if reasons:
        raise EchoformError(
            f"these changes break surveys that {dist} was built from, so nothing was written:\n"
            + "\n".join(f"  {reason}" for reason in reasons)
            + f"\nIf that site never was online, remove {dist / 'definitions'} and build again."
        )
    contracts = {keys.contract(c.id, c.version): c.to_json() for c in gathered.contracts}
    site = site_of(gathered.contracts, gathered.site)
    headers = {place(path): each for path, (_, each) in site.items()}
    pages = {path: data for path, (data, _) in site.items()}
    return contracts | gathered.pictures | pages | written(headers)


def site_of(
    contracts: Sequence[Contract], site: Site, embed: Sequence[str] = ()
) -> dict[str, tuple[bytes, dict[str, str]]]:
    """Every page by its path, with its headers; ``embed`` may frame them too."""
    found = {
        path: (data, headers_of(data, [*embed, *site.embed, *contract.embed]))
        for contract in contracts
        for path, data in pages(contract, site).items()
    }
    staff = staff_pages(contracts, site)
    alone = {LOST: lost_page(contracts, site)} | staff
    return found | {path: (data, headers_of(data)) for path, data in alone.items()}


def lay_shells(store: Store, contracts: list[Contract], site: Site) -> None:
    """Lay the pages for plain forms with problems where the functions read them."""
    for key, data in shells_of(contracts, site).items():
        lay(store, key, data)


def shells_of(contracts: list[Contract], site: Site) -> dict[str, bytes]:
    """These pages, by the key of the data that they are read from."""
    return {
        keys.shell(contract.id, contract.version, language): encode(shell)
        for contract in contracts
        for language, shell in shells(contract, site).items()
    }


def write(files: Mapping[str, bytes], dist: Path) -> Written:
    """Write the files whose content differs, each whole or not at all; then remove old pages."""
    written = Written([], [], [])
    for name, data in files.items():
        path = dist / name
        if path.is_file() and path.read_bytes() == data:
            written.unchanged.append(name)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}-{token_hex(4)}")
        temporary.write_bytes(data)
        os.replace(temporary, path)
        written.changed.append(name)
    drawn = [name for name in files if "/" in name and not name.startswith(keys.DEFINITIONS)]
    for survey in {name.split("/")[0] for name in drawn}:
        for path in sorted((dist / survey).rglob("index.html")):
            name = path.relative_to(dist).as_posix()
            if name not in files:
                path.unlink()
                written.removed.append(name)
    return written


def _built(dist: Path, survey: str) -> list[Contract]:
    folder = dist / keys.DEFINITIONS / survey
    return [Contract.from_json(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
