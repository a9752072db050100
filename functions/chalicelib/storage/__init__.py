"""Where data lies: one small port, two real adapters, and their model in memory."""

from .folder import FolderStore
from .memory import MemoryStore
from .opening import open_store
from .port import Entry, Exists, Missing, Stale, StorageError, Store, Stored, Unavailable
from .s3 import S3Store

__all__ = [
    "Entry",
    "Exists",
    "FolderStore",
    "MemoryStore",
    "Missing",
    "S3Store",
    "Stale",
    "StorageError",
    "Store",
    "Stored",
    "Unavailable",
    "open_store",
]
