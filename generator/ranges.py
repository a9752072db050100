"""Stored files as DuckDB reads them: only the pieces it wants, of S3 by ranges.

DuckDB knows best which columns and row groups a query needs; it asks for those pieces through a
filesystem, and this is one over our port. A file is read as it was when it was opened: where it has
been replaced since, reading fails, and whoever asks asks again. What was replaced once is fetched
whole from then on, which cannot fail so: a merge every second keeps no reader waiting.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from fsspec import AbstractFileSystem

from chalicelib.storage import Missing, S3Store, Stale, Store

PROTOCOL = "echoform"
TAIL = 64 << 10
"""What is fetched of a file at first: its footer, and of a small file everything."""

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Files(AbstractFileSystem):  # type: ignore[misc]
    """A store, read-only. ``fetched`` counts bytes."""

    protocol = PROTOCOL
    cachable = False

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._tails: dict[str, tuple[bytes, int, str]] = {}
        self._restless: set[str] = set()
        self._surprised = False
        self.fetched = 0

    def forget(self) -> None:
        """Forget the files that were opened: they are looked at again."""
        self._tails.clear()

    def surprised(self) -> bool:
        """Whether a file was replaced under its reader since this was last asked."""
        surprised, self._surprised = self._surprised, False
        return surprised

    def tail(self, key: str) -> tuple[bytes, int, str]:
        """The end of a file, its size and its tag."""
        if key not in self._tails:
            try:
                if isinstance(self._store, S3Store) and key not in self._restless:
                    found = self._store.tail(key, TAIL)
                else:
                    stored = self._store.get(key)
                    found = stored.data, len(stored.data), stored.tag
            except Missing:
                raise FileNotFoundError(key) from None
            self.fetched += len(found[0])
            self._tails[key] = found
        return self._tails[key]

    def piece(self, key: str, start: int, end: int) -> bytes:
        data, size, tag = self.tail(key)
        first = size - len(data)
        if start >= first:
            return data[start - first : end - first]
        assert isinstance(self._store, S3Store)  # of every other store the tail is all
        try:
            found = self._store.piece(key, start, end, tag)
        except (Missing, Stale) as error:
            self._restless.add(key)
            self._surprised = True
            raise OSError(f"{key} was replaced while it was read") from error
        self.fetched += len(found)
        return found

    def _open(self, path: str, mode: str = "rb", **_: Any) -> io.RawIOBase:
        if mode != "rb":
            raise PermissionError(path)
        return Opened(self, self._strip_protocol(path))

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        key = self._strip_protocol(path)
        return {"name": key, "size": self.tail(key)[1], "type": "file"}

    def modified(self, path: str) -> datetime:
        """Another moment for each version: DuckDB keeps footers of files that did not change."""
        tag = self.tail(self._strip_protocol(path))[2]
        return _LONG_AGO + timedelta(seconds=crc32(tag.encode()))

    def glob(self, path: str, **_: Any) -> list[str]:
        return [self._strip_protocol(path)]


class Opened(io.RawIOBase):
    """One file, from some place on."""

    def __init__(self, files: Files, key: str) -> None:
        self._files, self._key, self._at = files, key, 0
        self._size = files.tail(key)[1]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._at + size, self._size)
        found = self._files.piece(self._key, self._at, end) if end > self._at else b""
        self._at += len(found)
        return found
