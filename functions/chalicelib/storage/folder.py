"""A folder as a store: what S3 promises, kept with fsync, link and rename.

Create writes a temporary file, fsyncs it, links it to its name (which fails if the name is taken)
and fsyncs the directory. Replace compares and renames under a lock per key, so processes that share
the folder are as safe as threads. A tag is the file's modification time, size and inode; replace
makes the time strictly later than the one it replaces, so no tag ever comes back.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from filelock import FileLock

from .port import Entry, Exists, Missing, Stale, Stored, Unavailable, checked

_LOCKS = 256
_ABANDONED_S = 24 * 60 * 60


class FolderStore:
    """A store in ``root``, made on the first write. Its housekeeping lies under ``root/.store``.

    Files are for their owner alone: there are contacts among them.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._temporary = self.root / ".store" / "temporary"
        self._locks = self.root / ".store" / "locks"
        self._lasting: set[Path] = set()

    def get(self, key: str) -> Stored:
        with _reachable(key):
            try:
                with open(self._path(key), "rb") as file:
                    return Stored(file.read(), _tag(os.fstat(file.fileno())))
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                raise Missing(key) from None

    def peek(self, key: str, length: int) -> bytes:
        with _reachable(key):
            try:
                with open(self._path(key), "rb") as file:
                    return file.read(length)
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                raise Missing(key) from None

    def create(self, key: str, data: bytes) -> None:
        path = self._path(key)
        with _reachable(key), self._written(data) as temporary:
            self._make_lasting(path.parent)
            try:
                os.link(temporary, path)
            except FileExistsError:
                # The value found may not have reached the disk yet; whoever is told that it is
                # there may rely on it.
                _sync_folder(path.parent)
                raise Exists(key) from None
            _sync_folder(path.parent)

    def replace(self, key: str, data: bytes, tag: str) -> None:
        path = self._path(key)
        with _reachable(key), self._written(data) as temporary:
            with FileLock(self._locks / f"{zlib.crc32(key.encode()) % _LOCKS:03d}"):
                try:
                    now = path.stat()
                except FileNotFoundError:
                    raise Stale(key) from None
                if _tag(now) != tag:
                    raise Stale(key)
                if temporary.stat().st_mtime_ns <= now.st_mtime_ns:
                    os.utime(temporary, ns=(now.st_mtime_ns + 1000, now.st_mtime_ns + 1000))
                os.replace(temporary, path)
            _sync_folder(path.parent)

    def list(self, prefix: str) -> Iterator[Entry]:
        top = self._path(prefix[:-1]) if prefix else self.root
        with _reachable(prefix):
            yield from self._walk(top, prefix)

    def delete(self, keys: Iterable[str]) -> None:
        folders = set()
        with _reachable("delete"):
            for path in map(self._path, keys):
                with suppress(FileNotFoundError, NotADirectoryError):
                    path.unlink()
                    folders.add(path.parent)
            for folder in folders:
                _sync_folder(folder)

    def _path(self, key: str) -> Path:
        return self.root / checked(key)

    @contextmanager
    def _written(self, data: bytes) -> Iterator[Path]:
        """A temporary file that holds the data, on disk; gone in the end, unless it was renamed."""
        self._make_house()
        temporary = self._temporary / token_hex(16)
        try:
            with open(
                os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb"
            ) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            yield temporary
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)

    def _make_house(self) -> None:
        """Make the housekeeping's folders, and remove what a killed process left in them."""
        if self._temporary in self._lasting:
            return
        self._make_lasting(self._temporary)
        self._locks.mkdir(exist_ok=True)
        for left in self._temporary.iterdir():
            with suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > _ABANDONED_S:
                    left.unlink()

    def _make_lasting(self, folder: Path) -> None:
        """Make a folder whose name is on disk, and so are its parents' names.

        Whoever made it may have been killed before syncing, so once a process syncs it anyway.
        """
        if folder in self._lasting:
            return
        if folder != self.root:
            self._make_lasting(folder.parent)
            folder.mkdir(exist_ok=True)
        else:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync_folder(folder.parent)
        self._lasting.add(folder)

    def _walk(self, folder: Path, prefix: str) -> Iterator[Entry]:
        try:
            found = sorted(os.scandir(folder), key=lambda e: e.name + "/" * e.is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in found:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from self._walk(folder / entry.name, f"{prefix}{entry.name}/")
            else:
                with suppress(FileNotFoundError):  # merged away since the folder was read
                    yield Entry(prefix + entry.name, _tag(entry.stat()))


@contextmanager
def _reachable(key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(key, error.strerror or error) from error


def _tag(stat: os.stat_result) -> str:
    return f"{stat.st_mtime_ns:x}-{stat.st_size:x}-{stat.st_ino:x}"


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows has no handle to fsync a directory by; NTFS journals the name
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
